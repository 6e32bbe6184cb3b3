import { expect, test } from 'vitest'
import { type CostRun, costRow, orderOf, perPod } from './cost-figures.ts'

const run = (kind: string, round: number, cpuSeconds: number): CostRun => ({
  ...{ kind, round, cpuSeconds, pods: 10, tookSeconds: 20, idleBefore: 0.2, idleAfter: 0.3 },
})

test('the idle cluster is taken off for as long as the start took, by the mean of before and after', () => {
  expect(perPod(run('bare', 1, 15))).toBe(1)
})

test('each figure is the median of the rounds, the ratio that of the rounds’ own', () => {
  const rounds = [
    [12, 16, 18],
    [15, 20, 25],
    [18, 21, 30],
  ]
  const runs = rounds.flatMap(([bare = 0, trivial = 0, gated = 0], i) => [
    ...[run('bare', i + 1, bare), run('trivial', i + 1, trivial), run('gated', i + 1, gated)],
    { ...run('gated', i + 1, 900), pods: 64 },
  ])
  const row = costRow(runs, { bare: 'bare', trivial: 'trivial', gated: 'gated' }, 10)
  // 6 to 4, 10 to 5, 12 to 3
  expect(row).toBe('| 10 | 1.00 | 1.50 | 2.00 | 2.00 |')
})

test('in as many rounds as kinds, each is at each place once and comes after each other one once', () => {
  const rounds = [1, 2, 3, 4].map(round => orderOf(['a', 'b', 'c', 'd'], round))
  for (const place of [0, 1, 2, 3]) expect(new Set(rounds.map(order => order[place])).size).toBe(4)
  const pairs = rounds.flatMap(order => order.slice(1).map((kind, i) => `${order[i]}${kind}`))
  expect(new Set(pairs).size).toBe(12)
})

test('an odd number of kinds: each is at each place once', () => {
  const rounds = [1, 2, 3].map(round => orderOf(['a', 'b', 'c'], round))
  expect(rounds.map(order => [...order].sort().join(''))).toEqual(['abc', 'abc', 'abc'])
  for (const place of [0, 1, 2]) expect(new Set(rounds.map(order => order[place])).size).toBe(3)
})
