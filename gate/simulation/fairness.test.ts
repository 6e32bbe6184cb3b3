import { describe, expect, test } from 'vitest'
import { Line, type LineOutcome, type LinePod, type LineWorld } from './line.ts'

const HOUR_MS = 3_600_000

type Stream = Omit<LinePod, 'name' | 'createdAtMs'> & { inLine: number }

/** Runs an hour, one decision a second; each stream keeps so many pods in line, each created when it is needed. */
function hourOf(world: LineWorld, pods: readonly LinePod[], streams: readonly Stream[]): LineOutcome[] {
  const line = new Line(world)
  let made = 0
  for (const pod of pods) line.come(pod)
  for (let nowMs = 0; nowMs <= HOUR_MS; nowMs += 1_000) {
    line.step(nowMs)
    for (const { inLine, ...fields } of streams)
      for (let i = line.inLine(fields.namespace); i < inLine; i++) {
        made += 1
        line.come({ ...fields, name: `${fields.namespace}-${String(made).padStart(5, '0')}`, createdAtMs: nowMs })
      }
  }
  return line.outcomes
}

describe('shares are compared where the tickets meet', () => {
  const elsewhere = Array.from({ length: 4 }, (_, i) => ({
    name: `a-held-${i}`,
    namespace: 'a',
    nodeName: `other-${i}`,
    createdAtMs: 0,
    holdsMs: 2 * HOUR_MS,
  }))
  const oldest = { name: 'a-oldest', namespace: 'a', nodeName: 'x', createdAtMs: 0, asksAtMs: 5_000, holdsMs: 20_000 }
  const young = { namespace: 'b', nodeName: 'x', holdsMs: 20_000, inLine: 3 }
  const grantedAtMs = (outcomes: LineOutcome[]) => outcomes.find(({ pod }) => pod.name === oldest.name)?.grantedAtMs

  test('who holds slots on other nodes does not wait on this one for ever', () => {
    const world = { settings: { node: { maxStarting: 2 } } }
    expect(grantedAtMs(hourOf(world, [...elsewhere, oldest], [young]))).toBeLessThanOrEqual(25_000)
  })

  test('nor where the cluster has a limit too, and others come with a higher priority', () => {
    const world = { settings: { node: { maxStarting: 1 }, cluster: { maxStarting: 8 } } }
    const outcomes = hourOf(world, [...elsewhere, oldest], [{ ...young, priority: 1_000 }])
    expect(grantedAtMs(outcomes)).toBeLessThanOrEqual(25_000)
  })

  test('a namespace does not wait for its own pods on a full node', () => {
    const held = { name: 'a-held', namespace: 'a', nodeName: 'x', createdAtMs: 0, holdsMs: HOUR_MS }
    const first = { ...held, name: 'a-first', asksAtMs: 1_000, priority: 1_000 }
    const world = { settings: { node: { maxStarting: 1 }, cluster: { maxStarting: 8 } } }
    const outcomes = hourOf(world, [held, first, { ...oldest, nodeName: 'y' }], [{ ...young, nodeName: 'y' }])
    expect(grantedAtMs(outcomes)).toBeLessThanOrEqual(25_000)
  })
})

describe('pods larger than what their namespace may hold', () => {
  const huge = { namespace: 'huge', nodeName: 'x', slots: 11, holdsMs: 600_000, inLine: 3 }
  const small = { namespace: 'small', nodeName: 'y', holdsMs: 20_000, inLine: 5 }
  const world = { settings: { cluster: { maxStarting: 10 }, node: { maxStarting: 20 } } }

  test('leave the others what is not their share, and run one after another', () => {
    const granted = hourOf(world, [], [huge, small]).filter(({ grantedAtMs }) => grantedAtMs < Number.POSITIVE_INFINITY)
    const timesOf = (namespace: string) =>
      granted.filter(({ pod }) => pod.namespace === namespace).map(outcome => outcome.grantedAtMs)
    const gapsMs = timesOf('small').map((ms, i, all) => ms - (all[i - 1] ?? 0))
    expect(timesOf('small').length).toBeGreaterThan(500)
    expect(gapsMs.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(21_000)
    expect(timesOf('huge').length).toBeGreaterThanOrEqual(5)
  })
})
