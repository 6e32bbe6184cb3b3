import { expect, test } from 'vitest'
import type { ClusterEvent } from '../../e2e/observer/cluster-events.ts'
import { type Moment, podEvent } from '../../e2e/observer/made-events.ts'
import { figuresOf, gateWaits } from './figures.ts'
import { limitsIn } from './node-limits.ts'

/** A pod whose start gate runs, at a time in s. */
function waiting(atS: number, pod: string): ClusterEvent {
  const event = podEvent(atS, { pod, shown: [] })
  const gate = { name: 'startgate-start', ready: false, restartCount: 0, state: { running: {} } }
  return { ...event, pod: { ...event.pod, status: { initContainerStatuses: [gate] } } }
}
const running = (atS: number, pod: string, more: Partial<Moment['shown'][0]> = {}): ClusterEvent =>
  podEvent(atS, { pod, shown: [{ since: atS, ...more }] })

const BOTH = [waiting(101, 'b'), running(102, 'a'), running(106, 'a', { ready: true, since: 102 }), running(108, 'b')]
const seen = (events: ClusterEvent[], endedMs: number) => ({
  ...{ events, namespace: 'test', pods: 2, beganMs: 100_000, endedMs, cpuSeconds: 7 },
  ...{ startTimeoutMs: 600_000, limits: [{ node: 'n1', atMs: 0, limit: 1 }] },
})

test('times run from apply, and the slots were busy for as long as something started while another waited', () => {
  const events = [...BOTH, running(110, 'b', { ready: true, since: 108, restarts: 1 })]
  expect(figuresOf(seen(events, 111_000))).toEqual({
    ...{ ready: 2, readyMs: [6_000, 10_000], restarts: 1, cpuSeconds: 7 },
    ...{ firstMs: 6_000, medianMs: 6_000, p95Ms: 10_000, lastMs: 10_000 },
    // b waited for 7 s, and for 4 of them a was starting.
    slotsBusy: 0.571,
  })
})

test('what part of the herd did not reach has no time', () => {
  const { ready, medianMs, p95Ms, lastMs } = figuresOf(seen(BOTH, 120_000))
  expect({ ready, medianMs, p95Ms, lastMs }).toEqual({ ready: 1, medianMs: 6_000 })
})

test('a gate that still waits does so to the end; of a pod that is deleted to its deletion', () => {
  const deletion: ClusterEvent = { ...waiting(4, 'b'), type: 'DELETED' }
  const events = [waiting(1, 'a'), waiting(2, 'b'), deletion]
  expect(gateWaits(events, 'test', 9_000)).toEqual([
    { node: 'n1', fromMs: 1_000, toMs: 9_000 },
    { node: 'n1', fromMs: 2_000, toMs: 4_000 },
  ])
})

test('of a node’s limits the lowest counts that is its own or the namespace’s there', () => {
  const row = (resource: 'start' | 'pull', kind: 'node' | 'namespace-on-node' | 'cluster', more: object) => ({
    ...{ id: '', scope: '', resource, kind, name: 'n1', held: 0, debt: 0, waiting: 0, gates: 0, frozen: false },
    ...more,
  })
  const items = [
    row('start', 'node', { limit: 50 }),
    row('start', 'namespace-on-node', { name: 'own', node: 'n1', limit: 3 }),
    row('start', 'namespace-on-node', { name: 'other', node: 'n1', limit: 1 }),
    row('pull', 'node', { limit: 1 }),
    row('start', 'cluster', { name: 'cluster', limit: 2 }),
    row('start', 'node', { name: 'n2' }),
  ]
  expect([...limitsIn({ scopes: { total: items.length, items } }, 'own')]).toEqual([['n1', 3]])
})
