import { expect, test } from 'vitest'
import { firstOverLone, herdTable, medianRun, overBestStatic, type Run } from './summary.ts'

function run(variant: Run['variant'], round: number, more: Partial<Run> = {}): Run {
  return { variant, round, pods: 2, tookMs: 9_000, ready: 2, readyMs: [], restarts: 0, cpuSeconds: 10, ...more }
}
const times = (firstMs: number, medianMs: number, p95Ms: number, lastMs: number) => ({
  firstMs,
  medianMs,
  p95Ms,
  lastMs,
})

test('the table has medians of the rounds, and ratios to ungated', () => {
  const runs = [
    run('ungated', 1, times(10_000, 20_000, 30_000, 40_000)),
    run('2', 1, { ...times(1_000, 5_000, 9_000, 10_000), slotsBusy: 0.8 }),
    run('2', 2, { ...times(2_000, 10_000, 19_000, 20_000), slotsBusy: 0.9 }),
    run('2', 3, { ...times(3_000, 15_000, 29_000, 30_000), slotsBusy: 0.95 }),
  ]
  expect(herdTable(runs).split('\n').slice(2)).toEqual([
    '| ungated | 2 of 2 | 10 s | 20 s | 30 s | 40 s | – | 0 | 10 s | – |',
    '| 2 | 2 of 2 | 2 s | 10 s | 19 s | 20 s | 0.50, 0.50 | 0 | 10 s | 90 % |',
  ])
})

test('what most rounds did not reach is never, and no ratio is taken of it', () => {
  const never = { ready: 1, firstMs: 1_000, restarts: 4 }
  const runs = [run('ungated', 1, never), run('ungated', 2, never), run('2', 1, times(1_000, 2_000, 3_000, 3_000))]
  expect(herdTable(runs).split('\n').slice(2)).toEqual([
    '| ungated | 1 of 2 | 1 s | never | never | never | – | 4 | 10 s | – |',
    '| 2 | 2 of 2 | 1 s | 2 s | 3 s | 3 s | 0, 0 | 0 | 10 s | – |',
  ])
})

test('the median run is that with the median last pod; one that never came to all is the last', () => {
  const runs = [run('2', 1, { ready: 1 }), run('2', 2, { lastMs: 20_000 }), run('2', 3, { lastMs: 10_000 })]
  expect(medianRun(runs)?.round).toBe(2)
})

test('the first of the herd is compared with a pod that is alone', () => {
  const runs = [run('lone', 1, { firstMs: 8_000 }), run('1', 1, { firstMs: 12_500 })]
  expect(firstOverLone(runs)).toBe(4.5)
  expect(firstOverLone(runs.slice(1))).toBeUndefined()
})

test('auto is compared with the best number of starts, for each figure by itself', () => {
  const runs = [
    run('ungated', 1, times(1, 1, 1, 1)),
    run('1', 1, times(1_000, 10_000, 30_000, 40_000)),
    run('4', 1, times(5_000, 20_000, 25_000, 30_000)),
    run('auto', 1, times(2_000, 11_000, 26_000, 33_000)),
  ]
  expect(overBestStatic(runs)).toEqual([1.1, 1.1])
  expect(overBestStatic(runs.slice(0, 3))).toBeUndefined()
  expect(overBestStatic([run('ungated', 1, times(1, 1, 1, 1)), run('auto', 1, times(1, 1, 1, 1))])).toBeUndefined()
})
