import { expect, test } from 'vitest'
import { broken, type Figure, renderSummary } from './summary.ts'

const figures: Figure[] = [
  { what: 'starting at once', limit: 2, ungated: '12', gated: '2' },
  { what: 'last one ready after', ungated: 'not in 60 s', gated: '39.0 s' },
]

test('puts both runs side by side', () => {
  expect(renderSummary(figures)).toEqual([
    '                       limit       without   with startgate',
    'starting at once           2            12                2',
    'last one ready after       -   not in 60 s           39.0 s',
  ])
})

test('a broken promise is marked and told', () => {
  const bad: Figure = { what: 'starting', limit: 2, ungated: '12', gated: '3', broken: 'the limit did not hold' }
  expect(renderSummary([bad])[1]).toMatch(/3 !$/)
  expect(broken([...figures, bad])).toEqual(['the limit did not hold'])
})
