import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { annotationKey } from '../core/annotations.ts'
import { systemClock as clock, loopIdleMs, threadCpuMs } from '../core/clock.ts'
import { buildMetricsServer } from '../core/metrics-server.ts'
import { TOKEN_AUDIENCE } from '../core/names.ts'
import type { Pod } from '../core/pod.ts'
import { systemTimers } from '../core/timers.ts'
import { createIdentityCache } from '../gate/lease-service/http/identity-cache.ts'
import { BACKLOG, buildServer } from '../gate/lease-service/http/server.ts'
import { createStateRoutes } from '../gate/lease-service/http/state-routes.ts'
import { claimsOf } from '../gate/lease-service/http/token-claims.ts'
import { Replica } from '../gate/lease-service/leader/replica.ts'
import { type ClusterSettings, DEFAULT_SETTINGS } from '../gate/lease-service/limits/cluster-settings.ts'
import type { Stream } from '../gate/lease-service/model/stream.ts'
import { Reporter } from '../gate/lease-service/report/event-reporter.ts'
import { createKubernetesStore } from '../gate/lease-service/store/lease-store.kubernetes.ts'
import { MemoryLeaseApi } from '../gate/lease-service/store/lease-store.memory.ts'
import { silentMetrics } from '../gate/lease-service/testing/made-pods.ts'
import { type ApiCalls, apiWithLatency } from './api-with-latency.ts'
import type { Tls } from './certificate.ts'
import type { PodTime } from './hand-overs.ts'
import { madeHerd, madeNodes, startedPod } from './made-herd.ts'
import { nowMs } from './now.ts'
import { type GrantWay, SlotTrace } from './slot-trace.ts'

/** What the bench tells its lease service, as JSON in the first argument. */
export interface ServiceOptions {
  port: number
  tls: Tls
  gates: number
  /** That the gates' pods are on; 200 unless told otherwise. */
  nodes?: number
  /** `node`: every node has a limit, so there are as many lines; `cluster`: one line for all. Frozen at first. */
  line: 'node' | 'cluster'
  limit: number
  /** Of each call to the API server. */
  apiLatencyMs: number
  /** From a gate's end to its container's readiness. */
  startMs: number
  /** Where it serves its state; nowhere without. */
  statePort?: number
}

/** Ends the freeze, or only asks for the figures. */
export interface Order {
  thaw?: true
}

export interface Figures {
  rssBytes: number
  connections: number
  streams: number
  api: ApiCalls
  tokenReviews: number
  cpuMs: number
  /** Longest time since the last answer in which the process could do nothing else, not even renew its leadership. */
  stalledMs: number
  /** The same in CPU time of its thread: what other processes take of the machine is no part of it. */
  busyMs: number
  /** CPU time of each step, and the way of each grant, since the last answer. */
  stepsCpuMs: number[]
  ways: GrantWay[]
  /** Slots that came back since the last answer, in ms of the machine's monotonic clock. */
  freed: PodTime[]
  /** Grants that gates were told of since the last answer, on the same clock. */
  told: PodTime[]
}

const OWN = 'startgate-system'
const BUSY_TICK_MS = 5

async function main(options: ServiceOptions): Promise<void> {
  const { apiLatencyMs, line, startMs } = options
  const api: ApiCalls = { reads: 0, writes: 0 }
  let tokenReviews = 0
  let freed: PodTime[] = []
  let told: PodTime[] = []
  const stalls = monitorEventLoopDelay()
  stalls.enable()
  const busy = busyProbe()
  const trace = new SlotTrace()
  const pods = new Map(madeHerd(options.gates, options.nodes).map(pod => [pod.metadata.uid ?? '', pod]))
  const settings: ClusterSettings = {
    ...{ ...DEFAULT_SETTINGS, ownNamespace: OWN, namespaceShare: 1 },
    [line]: { maxStarting: options.limit },
  }
  const log = pino({ level: 'silent' })
  const service: Replica = new Replica({
    address: `127.0.0.1:${options.port}`,
    store: trace.store(createKubernetesStore(apiWithLatency(new MemoryLeaseApi(), apiLatencyMs, api), OWN)),
    settings,
    confirmTerm: trace.confirmTerm(async () => {
      api.reads++
      await sleep(apiLatencyMs)
      return true
    }),
    findWorkload: () => 'Absent',
    conditions: { put: () => undefined, removePod: () => undefined },
    onTermLost: () => service.stopLeading(),
    getPod: async (_namespace, name) => pods.get(name),
    election: { isLeader: () => true, leader: () => undefined, isChanging: () => false },
    facts: { pods: () => [...pods.values()], nodes: () => madeNodes(options.nodes) },
    metrics: silentMetrics(),
    reporter: new Reporter({
      findWorkload: () => 'Absent',
      record: () => undefined,
      failedOpen: () => undefined,
      clock,
      waitingEventAfterMs: 30_000,
    }),
    clock,
    timers: trace.timers(systemTimers),
    loopIdleMs,
    newLedger: trace.newLedger,
    random: Math.random,
    log,
  })
  /** What the kubelet would do, and the watch would show. */
  const start = async (pod: Pod): Promise<void> => {
    service.podChanged(startedPod(pod, false))
    await sleep(startMs)
    freed.push({ podUid: pod.metadata.uid ?? '', atMs: nowMs() })
    service.podChanged(startedPod(pod, true))
  }
  /** The same stream: another beside each would be part of what is measured. */
  const watched = (stream: Stream, podUid: string): Stream => {
    const end = stream.end.bind(stream)
    stream.end = message => {
      end(message)
      const pod = pods.get(podUid)
      if (message.kind !== 'granted' || !pod) return
      told.push({ podUid, atMs: nowMs() })
      trace.told(podUid)
      void start(pod)
    }
    return stream
  }
  const server = buildServer({
    tls: { cert: options.tls.cert, key: options.tls.key },
    identify: createIdentityCache({
      review: async token => {
        tokenReviews++
        await sleep(apiLatencyMs)
        const { namespace, podName, podUid } = claimsOf(token)
        const username = `system:serviceaccount:${namespace}:default`
        return { authenticated: true, audiences: [TOKEN_AUDIENCE], username, podName, podUid }
      },
      isShown: ({ podUid }) => pods.has(podUid),
      clock,
    }),
    // A waiter shows its node's name.
    identifyNode: async token => {
      tokenReviews++
      await sleep(apiLatencyMs)
      return { nodeName: token }
    },
    connect: (identity, gate, request, stream) =>
      service.connect(identity, gate, request, watched(stream, identity.podUid)),
    connectAgent: (identity, request, stream) => service.connectAgent(identity, request, stream),
    report: (identity, request) => service.report(identity, request),
    takePressure: (identity, request) => service.takePressure(identity, request),
    takeFigures: (nodeName, figures) => service.takeFigures(nodeName, figures),
    isReady: () => true,
    refused: () => undefined,
    log,
  })
  service.namespaceChanged({ metadata: { name: OWN, annotations: { [annotationKey('frozen')]: 'the bench' } } })
  await service.startLeading(1)
  await server.listen({ host: '127.0.0.1', port: options.port, backlog: BACKLOG })
  if (options.statePort !== undefined) await serveState(service, options.statePort, options.tls)
  process.on('message', (order: Order) => {
    if (order.thaw) service.namespaceChanged({ metadata: { name: OWN } })
    void answer()
  })
  const answer = async (): Promise<void> => {
    const { user, system } = process.cpuUsage()
    const figures: Figures = {
      rssBytes: process.memoryUsage().rss,
      connections: await promisify(server.server.getConnections.bind(server.server))(),
      streams: service.view.streamCount(),
      api: { ...api },
      tokenReviews,
      cpuMs: (user + system) / 1_000,
      stalledMs: stalls.max / 1e6,
      busyMs: busy(),
      ...trace.take(),
      freed,
      told,
    }
    freed = []
    told = []
    stalls.reset()
    process.send?.(figures)
  }
  // Whatever becomes of the bench, nothing of it stays.
  process.once('disconnect', () => process.exit())
  process.send?.('serving')
}

/** Tells the longest CPU time without a break since it was last asked. */
function busyProbe(): () => number {
  let [usedMs, mostMs] = [threadCpuMs(), 0]
  setInterval(() => {
    const ms = threadCpuMs()
    mostMs = Math.max(mostMs, ms - usedMs)
    usedMs = ms
  }, BUSY_TICK_MS)
  return () => {
    const most = mostMs
    mostMs = 0
    return most
  }
}

async function serveState(service: Replica, port: number, { cert, key }: Tls): Promise<void> {
  const log = pino({ level: 'silent' })
  const other = createStateRoutes({
    ...{ facts: now => service.view.facts(now), version: '0', pod: 'lease-service-0', leader: () => undefined },
    ...{
      clock,
      cpuMs: threadCpuMs,
      timers: systemTimers,
      log,
      authorize: async () => ({ verdict: 'allowed' as const, username: 'the bench' }),
    },
  })
  const metrics = { contentType: 'text/plain', text: async () => '', authorize: undefined }
  const tls = { cert, key }
  const server = buildMetricsServer({ ...metrics, tls, other, monotonicMs: () => clock.monotonicMs(), log })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? '{}') as ServiceOptions)
