import { describe, expect, test } from 'vitest'
import { autoBoundsOf } from './bounds.ts'
import { type HerdResult, runHerd } from './testing/herd.ts'
import { HERD_KINDS, type HerdKind, herdOf } from './testing/herd-kinds.ts'
import { clusterAt } from './testing/herd-surroundings.ts'
import type { Work } from './testing/node-model.ts'
import type { HerdLimit } from './testing/simulated-line.ts'

const modelOf = (cores: number) => ({ cores, cpuPenalty: 0.1, diskPenalty: 0.1, othersAt: () => 0 })
const STATIC = [1, 2, 4, 8, 16, 32]

const median = ({ ends }: HerdResult): number => ends[Math.floor(ends.length / 2)] ?? 0
const last = ({ ends }: HerdResult): number => ends.at(-1) ?? 0

function compared(cores: number, kind: HerdKind) {
  const herd = herdOf(kind, 40, 20)
  const run = (limit: number | 'auto') => runHerd(modelOf(cores), herd, { limit, bounds: autoBoundsOf(cores) })
  const [auto, fixed] = [run('auto'), STATIC.map(run)]
  return {
    median: median(auto) / Math.min(...fixed.map(median)),
    last: last(auto) / Math.min(...fixed.map(last)),
    slotsBusy: auto.slotsBusy,
  }
}

describe.each([1, 2, 4])('on %d cores', cores => {
  test.each(HERD_KINDS)('a herd of %s takes about as long as with the best number there is', kind => {
    const { slotsBusy, ...ratios } = compared(cores, kind)
    expect(ratios.median).toBeLessThan(1.15)
    expect(ratios.last).toBeLessThan(1.12)
    expect(slotsBusy).toBeGreaterThanOrEqual(0.97)
  })
})

describe('on two nodes that share two cores, with gates that cost CPU and a kubelet that looks once a second', () => {
  const model = { ...modelOf(2), cpuPenalty: 0.01, othersAt: () => 0.3 }
  const run = (herd: Work[][], limit: HerdLimit, firstFiguresAt = 1) =>
    runHerd(model, herd, { limit, bounds: autoBoundsOf(2), surroundings: clusterAt(firstFiguresAt) })
  const phases = [1, 1.2, 1.4, 1.6, 1.8]

  test('24 starts that sleep 10 s take little longer than gates without a limit do', () => {
    const herd = Array.from({ length: 24 }, (): Work[] => [{ kind: 'sleep', seconds: 10 }])
    const lasts = phases.map(phase => last(run(herd, 'auto', phase)))
    const mean = lasts.reduce((sum, each) => sum + each, 0) / lasts.length
    expect(mean / last(run(herd, 1_000))).toBeLessThan(1.2)
  })

  test('16 starts of two threads each take no longer than with the best number', () => {
    const herd = Array.from({ length: 16 }, (): Work[] => [
      { kind: 'cpu', seconds: 9.6, threads: 2 },
      { kind: 'cpu', seconds: 1.7, threads: 1 },
    ])
    const [auto, fixed] = [phases.map(phase => run(herd, 'auto', phase)), [1, 2, 4].map(limit => run(herd, limit))]
    expect(Math.max(...auto.map(last)) / Math.min(...fixed.map(last))).toBeLessThan(1.08)
    expect(Math.max(...auto.map(median)) / Math.min(...fixed.map(median))).toBeLessThan(1.01)
    // The first are no more than the figures of a busy machine let go.
    expect(Math.max(...auto.map(({ ends }) => ends[0] ?? 0))).toBeLessThan(30)
  })
})

test('a herd of one thread each settles at the fewest that keep two CPUs busy', () => {
  const { limits } = runHerd(modelOf(2), herdOf('cpu', 40, 20), { limit: 'auto', bounds: autoBoundsOf(2) })
  expect(limits.slice(20).filter(limit => limit !== 2 && limit !== 3)).toEqual([])
})

test('what others do holds it where it is, and when they have gone it grows again', () => {
  const others = (second: number): number => (second > 30 && second < 120 ? 4 : 0)
  const { limits } = runHerd({ ...modelOf(4), othersAt: others }, herdOf('sleep', 300, 30), {
    limit: 'auto',
    bounds: { first: 4, max: 16 },
  })
  const [before, during, after] = [limits.slice(15, 30), limits.slice(40, 118), limits.slice(130)]
  expect(Math.max(...before)).toBe(16)
  expect(Math.max(...during)).toBeLessThanOrEqual(16)
  expect(Math.min(...during)).toBeGreaterThanOrEqual(1)
  expect(Math.max(...after)).toBe(16)
  expect(Math.min(...after.slice(-20))).toBe(16)
})
