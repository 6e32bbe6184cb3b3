import type { Pod } from '../core/pod.ts'
import type { State } from '../core/state-api.ts'
import { StateFeed } from '../gate/lease-service/http/state-feed.ts'
import { Ledger } from '../gate/lease-service/ledger/ledger.ts'
import { DEFAULT_SETTINGS } from '../gate/lease-service/limits/cluster-settings.ts'
import { sequenceOf } from '../gate/lease-service/pods/pod-sequence.ts'
import { ticketOf } from '../gate/lease-service/pods/ticket-from-pod.ts'
import { changesBetween } from '../gate/lease-service/state/changes.ts'
import type { StateFacts } from '../gate/lease-service/state/facts.ts'
import { stateQuery } from '../gate/lease-service/state/query.ts'
import { createRecent } from '../gate/lease-service/state/recent.ts'
import type { SequencedFacts } from '../gate/lease-service/state/sequenced-pods.ts'
import { sequencedPod } from '../gate/lease-service/testing/sequenced-pod.ts'
import { quantiles } from './quantiles.ts'

const NODES = 5_000
const NAMESPACES = 500
const SEQUENCED = 2_000
const RUNS = 41

export interface StateFigures {
  /** CPU time of the leader's thread: each at its median and its worst, in ms. */
  snapshotMs: { p50: number; worst: number }
  pageMs: { p50: number; worst: number }
  changesMs: { p50: number; worst: number }
  /** Of the first page, and of what a second changed of it. */
  pageBytes: number
  changesBytes: number
}

function pod(i: number): Pod {
  return {
    metadata: {
      ...{ uid: `uid-of-pod-${i}`, name: `pod-${i}`, namespace: `namespace-${i % NAMESPACES}` },
      creationTimestamp: new Date(1_700_000_000_000 + ((i * 7_919) % 100_003)).toISOString(),
    },
    spec: {
      nodeName: `node-${i % NODES}`,
      initContainers: [{ name: 'startgate-start' }],
      containers: [{ name: 'app', readinessProbe: {} }, { name: 'log' }],
    },
    status: {
      phase: 'Pending',
      initContainerStatuses: [
        {
          ...{ name: 'startgate-start', ready: false, restartCount: 0, containerID: `containerd://gate-${i}` },
          state: { running: { startedAt: '2026-01-01T00:00:05Z' } },
        },
      ],
    },
  }
}

/** A ledger in which n pods wait, some for their node and some for the cluster, and each change of the limit moves. */
function ledgerOf(n: number): Ledger {
  const settings = { ...DEFAULT_SETTINGS, cluster: { maxStarting: 2_000 }, node: { maxStarting: 2 } }
  const ledger = new Ledger(settings)
  const conditions = [{ type: 'Ready', status: 'True' }]
  for (let i = 0; i < NODES; i++)
    ledger.upsertNode({ metadata: { name: `node-${i}` }, status: { capacity: { cpu: '8' }, conditions } })
  for (let i = 0; i < NAMESPACES; i++) ledger.setNamespace(`namespace-${i}`, { maxStarting: 20 })
  // As many as the cluster starts at once go first.
  for (let i = 0; i < n + 1_000; i++) {
    const made = pod(i)
    const ticket = ticketOf(made, { gate: 'startgate-start', attempt: 1 })
    if ('refused' in ticket) throw new Error(ticket.refused)
    ledger.upsertPod(made)
    ledger.ask(ticket, 0)
  }
  ledger.step(1, 1)
  return ledger
}

function sequencedFacts(): SequencedFacts[] {
  return Array.from({ length: SEQUENCED }, (_, i) => {
    const made = sequencedPod({
      metadata: { uid: `s-${i}`, name: `shop-${i}`, namespace: `namespace-${i % NAMESPACES}` },
    })
    const sequence = sequenceOf(made)
    if (!sequence) throw new Error('this pod has no sequence')
    return { pod: made, sequence, attempt: 1, reports: undefined, timedOut: new Set<string>(), hasAgent: true }
  })
}

/**
 * What the state API costs the leader while n pods wait, 2,000 sequenced ones among 5,000 nodes and 500 namespaces, as
 * a third of all that is told changes from one snapshot to the next.
 */
export function benchState(n: number): StateFigures {
  const ledger = ledgerOf(n)
  const waiting = ledger.view().waiting().length
  if (waiting < n * 0.99) throw new Error(`${waiting} pods wait, not ${n}`)
  const [sequenced, recent] = [sequencedFacts(), createRecent(() => 0)]
  let nowMs = 0
  const facts = (now: StateFacts['now']): StateFacts => ({
    ...{ term: 1, address: 'a:1', sinceMs: 0, now, ledger: ledger.view(), recent, sequenced },
    ...{ pressures: () => [], heldBack: new Map() },
  })
  const clock = { monotonicMs: () => nowMs, wallMs: () => nowMs }
  const feed = new StateFeed({ facts, version: '0', pod: 'lease-service-0', clock })
  const query = stateQuery('limit=1000')
  const times = { snapshot: [] as number[], page: [] as number[], changes: [] as number[] }
  const timed = <T>(into: number[], act: () => T): T => {
    const before = process.threadCpuUsage()
    const result = act()
    const { user, system } = process.threadCpuUsage(before)
    into.push((user + system) / 1_000)
    return result
  }
  let [before, pageBytes, changesBytes] = [undefined as State | undefined, 0, 0]
  for (let run = 0; run < RUNS; run++) {
    nowMs += 60_000
    // Those ahead have started: all others move up.
    for (let i = run * 100; i < (run + 1) * 100; i++) ledger.removePod(`uid-of-pod-${(i * 31) % (n + 1_000)}`)
    ledger.step(nowMs, 1)
    const snap = timed(times.snapshot, () => feed.snapshot())
    if (!snap) throw new Error('nobody leads')
    pageBytes = timed(times.page, () => feed.answer(query).length)
    const state = feed.stateOf(snap, query)
    const former = before
    if (former) {
      changesBytes = timed(
        times.changes,
        () => JSON.stringify(changesBetween(former, feed.stateOf(snap, query))).length,
      )
    }
    before = state
  }
  const of = (values: number[]) => ({ p50: quantiles(values).p50, worst: Math.max(...values) })
  return {
    snapshotMs: of(times.snapshot),
    pageMs: of(times.page),
    changesMs: of(times.changes),
    pageBytes,
    changesBytes,
  }
}
