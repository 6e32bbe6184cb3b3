import { expect, test } from 'vitest'
import { herds, sharesOf } from './herds.ts'
import { minutesOf, parseOptions, planRuns } from './options.ts'

test('without arguments all herds and variants are run three times', () => {
  const { letters, variants, rounds } = parseOptions([])
  expect([letters.join(''), variants.join(' '), rounds]).toEqual(['abcde', 'lone ungated 1 2 4 8 auto', 3])
})

test.each([
  [['--only', 'x'], '--only: there is no herd x'],
  [['--variants', '2,many'], '--variants: many is none of'],
  [['--variants', '0'], '--variants: 0 is none of'],
  [['--rounds', '0'], '--rounds: 0 is no count'],
  [['--rounds', 'some'], '--rounds: some is no count'],
  [['--turns', '3'], "Unknown option '--turns'"],
])('%j is refused: %s', (args, words) => {
  expect(() => parseOptions(args)).toThrow(words)
})

test('each round has each variant once, and begins with another one', () => {
  const planned = planRuns(parseOptions(['--only', 'c', '--variants', 'ungated,2,auto,lone', '--rounds', '3']))
  expect(planned.map(({ round, variant }) => `${round} ${variant}`)).toEqual([
    ...['1 ungated', '1 2', '1 auto'],
    ...['2 2', '2 auto', '2 ungated'],
    ...['3 auto', '3 ungated', '3 2'],
  ])
})

test('a lone pod is one of herd a only', () => {
  const planned = planRuns(parseOptions(['--only', 'a,c', '--variants', 'lone', '--rounds', '1']))
  expect(planned).toEqual([{ letter: 'a', round: 1, variant: 'lone' }])
})

test('the time is the sum of the runs', () => {
  const planned = planRuns(parseOptions(['--only', 'a', '--variants', 'ungated,2', '--rounds', '3']))
  expect(minutesOf(planned)).toEqual({ usual: 22, most: 96 })
})

test('workers get equal shares, the first ones the rest', () => {
  const shares = sharesOf('app', 3, ['w1', 'w2'])
  expect(shares.map(({ name, node, pods }) => [name, node, pods])).toEqual([
    ['app-0', 'w1', 2],
    ['app-1', 'w2', 1],
  ])
})

test.each(Object.entries(herds))('herd %s has as many pods as it says', (_, { pods, objects }) => {
  const replicas = objects(['w1', 'w2', 'w3'], 'jvm').map(({ spec }) => (spec as { replicas: number }).replicas)
  expect(replicas.reduce((sum, count) => sum + count, 0)).toBe(pods)
})
