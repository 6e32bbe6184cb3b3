import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../../gate/lease-service/limits/cluster-settings.ts'
import type { LimitFacts } from '../../gate/lease-service/limits/scope.ts'
import { Line } from '../../gate/simulation/line.ts'
import type { PlannedPod } from './model.ts'
import { withOneMore } from './one-more.ts'
import { runHerd } from './run-herd.ts'

interface Small {
  namespace: string
  node: number
  slots: number
  startS: number
}

const S = 1_000
const small = fc.record({
  namespace: fc.constantFrom('a', 'b', 'c'),
  node: fc.nat({ max: 2 }),
  slots: fc.integer({ min: 1, max: 3 }),
  startS: fc.integer({ min: 1, max: 90 }),
})

function podOf({ namespace, node, slots, startS }: Small, at: number): PlannedPod {
  const containers = Array.from({ length: slots }, (_, i) => ({
    name: `c${i}`,
    startMs: startS * S,
    timeoutMs: 600 * S,
  }))
  return {
    ...{ uid: String(at).padStart(5, '0'), workload: 0, namespace, nodeName: `node-${node}`, priority: 0 },
    ...{ stages: [{ gate: 'startgate-start', containers, dependsOn: [] }], isObserved: false, after: undefined },
  }
}

function factsOf(maxStarting: number, perNode: number): LimitFacts {
  const settings = { ...DEFAULT_SETTINGS, cluster: { maxStarting }, node: { maxStarting: perNode } }
  return { settings, nodes: new Map(), namespaces: new Map() }
}

const limits = [fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 4 })] as const

test('everybody goes when the queue lets them go', () => {
  fc.assert(
    fc.property(fc.array(small, { minLength: 1, maxLength: 40 }), ...limits, (smalls, maxStarting, perNode) => {
      const pods = smalls.map(podOf)
      const run = runHerd({ pods, facts: factsOf(maxStarting, perNode) })
      const line = new Line({ settings: { cluster: { maxStarting }, node: { maxStarting: perNode } } })
      for (const [at, { namespace, slots, startS }] of smalls.entries())
        line.come({
          ...{ name: String(at).padStart(5, '0'), namespace, nodeName: `node-${smalls[at]?.node}`, slots },
          ...{ createdAtMs: 0, holdsMs: startS * S },
        })
      const times = new Set([0])
      for (let nowMs = 0; times.size > 0; nowMs = Math.min(...times)) {
        times.delete(nowMs)
        line.step(nowMs)
        for (const { pod, grantedAtMs } of line.outcomes) if (grantedAtMs === nowMs) times.add(nowMs + pod.holdsMs)
      }
      expect(run?.readyAtMs).toEqual(line.outcomes.map(({ pod, grantedAtMs }) => grantedAtMs + pod.holdsMs))
    }),
    { numRuns: 150 },
  )
})

test('by the first ones of each line it is nearly the same', () => {
  const herd = fc.array(small, { minLength: 80, maxLength: 120 })
  fc.assert(
    fc.property(herd, ...limits, (smalls, maxStarting, perNode) => {
      const world = { pods: smalls.map(podOf), facts: factsOf(maxStarting, perNode) }
      const lasts = (['all', 'firsts'] as const).map(sight => Math.max(...(runHerd(world, { sight })?.readyAtMs ?? [])))
      const [exact = 0, rough = 0] = lasts
      expect(Math.abs(rough - exact)).toBeLessThanOrEqual(90 * S + exact / 10)
    }),
  )
})

test('by the first ones it is the very same for one namespace and pods of one slot', () => {
  const herd = fc.array(
    small.map(one => ({ ...one, namespace: 'a', slots: 1, startS: Math.ceil(one.startS / 30) })),
    { minLength: 1, maxLength: 60 },
  )
  fc.assert(
    fc.property(herd, ...limits, (smalls, maxStarting, perNode) => {
      const world = { pods: smalls.map(podOf), facts: factsOf(maxStarting, perNode) }
      const { readyAtMs, mostStarting, waitingMs } = runHerd(world) ?? {}
      expect(runHerd(world, { sight: 'firsts' })).toMatchObject({ readyAtMs, mostStarting, waitingMs })
    }),
  )
})

/** Most slots in use at one time by the pods that it picks. */
function mostAtOnce(smalls: Small[], readyAtMs: number[], picks: (one: Small) => boolean): number {
  const spans = smalls.flatMap((one, at) =>
    picks(one) ? [{ from: (readyAtMs[at] ?? 0) - one.startS * S, to: readyAtMs[at] ?? 0, slots: one.slots }] : [],
  )
  return Math.max(
    0,
    ...spans.map(({ from }) => spans.reduce((sum, s) => sum + (s.from <= from && from < s.to ? s.slots : 0), 0)),
  )
}

test.each(['all', 'firsts'] as const)('no limit is ever exceeded, and everybody is ready in the end: %s', sight => {
  fc.assert(
    fc.property(fc.array(small, { minLength: 1, maxLength: 40 }), ...limits, (smalls, maxStarting, perNode) => {
      const single = smalls.map(one => ({ ...one, slots: 1 }))
      const run = runHerd({ pods: single.map(podOf), facts: factsOf(maxStarting, perNode) }, { sight })
      const readyAtMs = run?.readyAtMs ?? []
      const most = mostAtOnce(single, readyAtMs, () => true)
      expect(readyAtMs.every(Number.isFinite)).toBe(true)
      expect(most).toBeLessThanOrEqual(maxStarting)
      expect(run?.mostStarting).toBe(most)
      for (const node of [0, 1, 2])
        expect(mostAtOnce(single, readyAtMs, one => one.node === node)).toBeLessThanOrEqual(perNode)
    }),
  )
})

test('of one limit and pods of one slot, a slot more makes nobody last later', () => {
  const oneNode = fc.array(
    small.map(one => ({ ...one, namespace: 'a', node: 0, slots: 1 })),
    { minLength: 1, maxLength: 40 },
  )
  fc.assert(
    fc.property(oneNode, fc.integer({ min: 1, max: 8 }), (smalls, perNode) => {
      const { cluster: _, ...settings } = factsOf(1, perNode).settings
      const world = {
        pods: smalls.map(podOf),
        facts: { ...factsOf(1, perNode), settings: { ...settings, cluster: {} } },
      }
      const before = runHerd(world)
      const [limit] = before?.bottlenecks ?? []
      if (!limit) return
      const more = withOneMore(world, limit)
      const after = runHerd(more.world, more)
      expect(after?.mostStarting).toBeGreaterThan(before?.mostStarting ?? 0)
      expect(Math.max(...(after?.readyAtMs ?? []))).toBeLessThanOrEqual(Math.max(...(before?.readyAtMs ?? [])))
    }),
  )
})

test('one more slot of the share is one more for the namespace, and the cluster keeps its limit', () => {
  const facts = factsOf(12, 100)
  const share = {
    kind: 'namespace',
    subject: 'namespace a',
    limit: 9,
    source: "a namespace's share, 75 % of the cluster's 12",
  }
  const pods = Array.from({ length: 40 }, (_, at) => podOf({ namespace: 'a', node: 0, slots: 1, startS: 10 }, at))
  const { world, scopesOf } = withOneMore({ pods, facts }, share)
  expect(runHerd({ pods, facts })?.mostStarting).toBe(9)
  expect(runHerd(world, { scopesOf })?.mostStarting).toBe(10)
  const others = pods.map((pod, at) => (at % 2 ? pod : { ...pod, namespace: 'b' }))
  expect(runHerd({ ...world, pods: others }, { scopesOf })?.mostStarting).toBe(12)
})

test('ten thousand pods on a hundred nodes are planned; what would take too long is not', () => {
  const pods = Array.from({ length: 10_000 }, (_, at) =>
    podOf({ namespace: 'a', node: at % 100, slots: 1, startS: 20 }, at),
  )
  expect(Math.max(...(runHerd({ pods, facts: factsOf(100, 8) })?.readyAtMs ?? []))).toBe(
    Math.ceil(10_000 / 75) * 20 * S,
  )
  expect(runHerd({ pods, facts: factsOf(100, 8) }, { mostLooks: 10_000 })).toBeUndefined()
})
