import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { systemClock as clock, threadCpuMs } from '../core/clock.ts'
import { buildMetricsServer } from '../core/metrics-server.ts'
import type { Pod } from '../core/pod.ts'
import type { State } from '../core/state-api.ts'
import { systemTimers } from '../core/timers.ts'
import { StateFeed } from '../gate/lease-service/http/state-feed.ts'
import { createStateRoutes } from '../gate/lease-service/http/state-routes.ts'
import { Ledger } from '../gate/lease-service/ledger/ledger.ts'
import { DEFAULT_SETTINGS } from '../gate/lease-service/limits/cluster-settings.ts'
import { sequenceOf } from '../gate/lease-service/pods/pod-sequence.ts'
import { ticketOf } from '../gate/lease-service/pods/ticket-from-pod.ts'
import { changesBetween } from '../gate/lease-service/state/changes.ts'
import type { StateFacts } from '../gate/lease-service/state/facts.ts'
import { narrowed } from '../gate/lease-service/state/narrowed.ts'
import { stateQuery } from '../gate/lease-service/state/query.ts'
import { createRecent } from '../gate/lease-service/state/recent.ts'
import type { SequencedFacts } from '../gate/lease-service/state/sequenced-pods.ts'
import { sequencedPod } from '../gate/lease-service/testing/sequenced-pod.ts'
import { benchCertificate } from './certificate.ts'
import { quantiles } from './quantiles.ts'
import type { Read, ViewerOptions } from './state-viewers-process.ts'

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

function factsOf(ledger: Ledger): (now: StateFacts['now']) => StateFacts {
  const [sequenced, recent] = [sequencedFacts(), createRecent(() => 0)]
  return now => ({
    ...{ term: 1, address: 'a:1', sinceMs: 0, now, ledger: ledger.view(), recent, sequenced },
    ...{ pressures: () => [], autos: () => [], heldBack: new Map() },
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
  let nowMs = 0
  const facts = factsOf(ledger)
  const benchClock = { monotonicMs: () => nowMs, wallMs: () => nowMs }
  const service = { version: '0', pod: 'lease-service-0' }
  const feed = new StateFeed({ facts, ...service, clock: benchClock, cpuMs: threadCpuMs })
  const query = stateQuery('limit=1000')
  const times = { snapshot: [] as number[], page: [] as number[], changes: [] as number[] }
  const timed = <T>(into: number[], act: () => T): T => {
    const startMs = threadCpuMs()
    const result = act()
    into.push(threadCpuMs() - startMs)
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
    const told = timed(times.page, () => feed.answer(query, 'viewer'))
    if (typeof told === 'string') throw new Error(told)
    const { state } = told
    pageBytes = told.bytes.length
    const former = before
    if (former) {
      changesBytes = timed(
        times.changes,
        () => JSON.stringify(changesBetween(former, narrowed(snap, query, service))).length,
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

export interface ViewersFigures {
  /** Of the leader's thread, as parts of one core, without anybody who watches and with them. */
  without: number
  withThem: number
  /** Longest time without a break, the bench's own decisions included. */
  stalledMs: { without: number; withThem: number }
  /** What all of them read in a second, and how often the first was told something. */
  bytesPerSecond: number
  eventsPerSecond: number
}

const WATCHED_MS = 20_000

/**
 * What `viewers` cost the leader, over TLS from another process, while n pods wait and their line moves each second.
 */
export async function benchViewers(n: number, viewers: number): Promise<ViewersFigures> {
  const ledger = ledgerOf(n)
  const serverName = 'startgate-lease-service'
  const tls = await benchCertificate(serverName)
  const log = pino({ level: 'silent' })
  const monotonicMs = () => clock.monotonicMs()
  const other = createStateRoutes({
    ...{ facts: factsOf(ledger), version: '0', pod: 'lease-service-0', leader: () => undefined },
    ...{ clock, cpuMs: threadCpuMs, timers: systemTimers, log },
    authorize: async () => ({ verdict: 'allowed' as const, username: 'viewer' }),
  })
  const metrics = { contentType: 'text/plain', text: async () => '', authorize: undefined }
  const server = buildMetricsServer({ ...metrics, tls, other, monotonicMs, log }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  let moved = 0
  const move = setInterval(() => {
    for (let i = 0; i < 50; i++) ledger.removePod(`uid-of-pod-${(moved++ * 31) % (n + 1_000)}`)
    ledger.step(clock.monotonicMs(), 1)
  }, 1_000)
  const without = await load(WATCHED_MS)
  const { port } = server.address() as AddressInfo
  const options: ViewerOptions = { port, ca: tls.ca, serverName, viewers }
  const child = fork(join(import.meta.dirname, 'state-viewers-process.ts'), [JSON.stringify(options)])
  const read = async (): Promise<Read> => {
    child.send('read')
    return ((await once(child, 'message')) as [Read])[0]
  }
  // Until all have the whole state.
  await sleep(5_000)
  await read()
  const withThem = await load(WATCHED_MS)
  const { bytes, events } = await read()
  clearInterval(move)
  child.kill()
  server.closeAllConnections()
  server.close()
  return {
    without: without.cores,
    withThem: withThem.cores,
    stalledMs: { without: without.stalledMs, withThem: withThem.stalledMs },
    bytesPerSecond: (bytes * 1_000) / WATCHED_MS,
    eventsPerSecond: (events * 1_000) / WATCHED_MS,
  }
}

/** How busy this thread is for so long. */
async function load(forMs: number): Promise<{ cores: number; stalledMs: number }> {
  const stalls = monitorEventLoopDelay()
  stalls.enable()
  const startMs = threadCpuMs()
  await sleep(forMs)
  return { cores: (threadCpuMs() - startMs) / forMs, stalledMs: stalls.max / 1e6 }
}
