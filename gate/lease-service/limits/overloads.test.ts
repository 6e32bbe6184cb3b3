import { expect, test } from 'vitest'
import { type Overload, Overloads } from './overloads.ts'

const BEFORE: Overload = { resource: 'cpu', percent: 80, maxPercent: 60 }

test.each<[string, Overload | undefined, boolean]>([
  ['a little more', { ...BEFORE, percent: 84.9 }, false],
  ['much more', { ...BEFORE, percent: 85 }, true],
  ['much less', { ...BEFORE, percent: 75 }, true],
  ['another resource', { ...BEFORE, resource: 'io' }, true],
  ['another maximum', { ...BEFORE, maxPercent: 70 }, true],
  ['none', undefined, true],
])('whether %s is news', (_, now, isNews) => {
  const overloads = new Overloads()
  overloads.set('n', BEFORE)
  const { version } = overloads
  overloads.set('n', now)
  expect([overloads.version > version, overloads.get('n')]).toEqual([isNews, isNews ? now : BEFORE])
})

test('little by little it is news in the end', () => {
  const overloads = new Overloads()
  for (const percent of [80, 83, 86, 89]) overloads.set('n', { ...BEFORE, percent })
  expect(overloads.get('n')?.percent).toBe(86)
})

test('a node that is under no pressure, again, is no news', () => {
  const overloads = new Overloads()
  overloads.set('n', undefined)
  expect([overloads.version, overloads.size]).toEqual([0, 0])
})
