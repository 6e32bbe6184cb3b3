import { describe, expect, test } from 'vitest'
import { autoBoundsOf } from './bounds.ts'
import { type HerdResult, runHerd } from './testing/herd.ts'
import { HERD_KINDS, type HerdKind, herdOf } from './testing/herd-kinds.ts'

const modelOf = (cores: number) => ({ cores, cpuPenalty: 0.1, diskPenalty: 0.1, othersAt: () => 0 })
const STATIC = [1, 2, 4, 8, 16, 32]

const median = ({ ends }: HerdResult): number => ends[Math.floor(ends.length / 2)] ?? 0
const last = ({ ends }: HerdResult): number => ends.at(-1) ?? 0

function compared(cores: number, kind: HerdKind) {
  const herd = herdOf(kind, 40, 20)
  const run = (limit: number | 'auto') => runHerd(modelOf(cores), herd, limit, autoBoundsOf(cores))
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

test('24 starts that sleep 10 s take little longer than with no limit', () => {
  const herd = herdOf('sleep', 24, 10)
  const run = (limit: number | 'auto') => last(runHerd(modelOf(2), herd, limit, autoBoundsOf(2)))
  expect(run('auto') / run(1_000)).toBeLessThan(1.3)
})

test('a herd of one thread each settles at the fewest that keep two CPUs busy', () => {
  const { limits } = runHerd(modelOf(2), herdOf('cpu', 40, 20), 'auto', autoBoundsOf(2))
  expect(limits.slice(20).filter(limit => limit !== 2 && limit !== 3)).toEqual([])
})

test('what others do holds it where it is, and when they have gone it grows again', () => {
  const others = (second: number): number => (second > 30 && second < 120 ? 4 : 0)
  const { limits } = runHerd({ ...modelOf(4), othersAt: others }, herdOf('sleep', 300, 30), 'auto', {
    first: 4,
    max: 16,
  })
  const [before, during, after] = [limits.slice(15, 30), limits.slice(40, 118), limits.slice(130)]
  expect(Math.max(...before)).toBe(16)
  expect(Math.max(...during)).toBeLessThanOrEqual(16)
  expect(Math.min(...during)).toBeGreaterThanOrEqual(1)
  expect(Math.max(...after)).toBe(16)
  expect(Math.min(...after.slice(-20))).toBe(16)
})
