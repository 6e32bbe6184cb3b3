import { scopeRef } from '../gate/lease-service/limits/scope-ref.ts'
import type { Ticket } from '../gate/lease-service/model/grant.ts'
import { decide } from '../gate/lease-service/queue/fair-queue.ts'
import { quantiles } from './quantiles.ts'

const SIZES = [100, 1_000, 10_000, 100_000]
const RUNS = 7

function ticket(i: number): Ticket {
  return {
    key: `start.${i}.1`,
    resource: 'start',
    gate: 'startgate-start',
    attempt: 1,
    podUid: String(i),
    podName: `pod-${i}`,
    namespace: `namespace-${i % 50}`,
    nodeName: `node-${i % 200}`,
    containers: ['app'],
    slots: 1,
    images: [],
    priority: 0,
    // Scattered, so that sorting has work to do.
    createdAtMs: (i * 7919) % 100_003,
  }
}

/** Median time in ms of one decision on n waiting tickets, 200 nodes and 50 namespaces, with every node full. */
export function benchQueue(): { n: number; ms: number }[] {
  // The first round warms up.
  return [10_000, ...SIZES]
    .map(n => {
      const tickets = Array.from({ length: n }, (_, i) => ticket(i))
      const facts = {
        scopesOf: ({ nodeName: node }: Ticket) => [
          { ...scopeRef({ kind: 'node', node }), limit: 2, subject: node, source: 'bench' },
        ],
        inUse: () => 2,
        debt: () => 0,
        heldBy: () => 0,
        weightOf: () => 1,
      }
      const times = Array.from({ length: RUNS }, () => {
        const startMs = performance.now()
        void decide(tickets, facts).line.blocked
        return performance.now() - startMs
      })
      return { n, ms: quantiles(times).p50 }
    })
    .slice(1)
}

/** The exponent e of n^e that fits these times best: 1 is linear, n log n is a little more. */
export function exponentOf(rows: readonly { n: number; ms: number }[]): number {
  const points = rows.map(({ n, ms }) => ({ x: Math.log(n), y: Math.log(ms) }))
  const mean = (pick: (point: { x: number; y: number }) => number): number =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length
  const [x, y] = [mean(p => p.x), mean(p => p.y)]
  return mean(p => (p.x - x) * (p.y - y)) / mean(p => (p.x - x) ** 2)
}
