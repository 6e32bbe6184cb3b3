import { expect, test } from 'vitest'
import { broken, type Figure, renderSummary } from './summary.ts'

const figures: Figure[] = [
  { what: 'starting at once, by the observer', unit: 'count', limit: 2, ungated: 12, gated: 2 },
  { what: 'all pods ready after', unit: 'ms', ungated: 41_230, gated: 39_000 },
]

test('puts both runs side by side', () => {
  expect(renderSummary(figures)).toEqual([
    '                                    limit   without   with startgate',
    'starting at once, by the observer       2        12                2',
    'all pods ready after                    -    41.2 s           39.0 s',
  ])
})

test('a limit that did not hold is marked and told', () => {
  const bad: Figure = { what: 'starting', unit: 'count', limit: 2, ungated: 12, gated: 3 }
  expect(renderSummary([bad])[1]).toMatch(/3 !$/)
  expect(broken([...figures, bad])).toEqual([bad])
})
