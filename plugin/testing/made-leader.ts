import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { buildMetricsServer } from '../../core/metrics-server.ts'
import type { ContainerStatus, Node, Pod } from '../../core/pod.ts'
import type { Pressure } from '../../core/pressure.ts'
import { createReadAccess } from '../../core/read-access.ts'
import { STATE_PATH, type State, type StateQuery } from '../../core/state-api.ts'
import type { Timers } from '../../core/timers.ts'
import { createStateRoutes } from '../../gate/lease-service/http/state-routes.ts'
import { Ledger } from '../../gate/lease-service/ledger/ledger.ts'
import { type ClusterSettings, DEFAULT_SETTINGS } from '../../gate/lease-service/limits/cluster-settings.ts'
import type { Grant } from '../../gate/lease-service/model/grant.ts'
import { sequenceOf } from '../../gate/lease-service/pods/pod-sequence.ts'
import { ticketOf } from '../../gate/lease-service/pods/ticket-from-pod.ts'
import { createRecent } from '../../gate/lease-service/state/recent.ts'
import { eventsOf } from '../state/leader-events.ts'
import { queryText } from '../state/state-client.ts'
import type { Watch } from '../ui/follow.ts'

export interface MadeLeaderOptions {
  nodes: readonly string[]
  settings?: Partial<ClusterSettings>
  /** How long a container takes to become ready. */
  startMs?: number
  /** How many times faster than a clock the leader's time goes. */
  speed?: number
}

interface Life {
  pod: Pod
  startMs: number
  readyAtMs?: number
}

const TOKEN = 'viewer'
const GATE = 'startgate-start'

/**
 * Test support: a leader's real ledger and its real state API on loopback, with pods that ask, are let go, run and
 * become ready. Without a cluster: what the API server and kubelets would tell is made here.
 */
export async function madeLeader({ nodes, settings = {}, startMs = 3_000, speed = 1 }: MadeLeaderOptions) {
  const beganMs = Date.now()
  const wallMs = (): number => Math.round(beganMs + (Date.now() - beganMs) * speed)
  const clock = { wallMs, monotonicMs: () => wallMs() - beganMs + 1_000 }
  const timers: Timers = {
    after(ms, act) {
      const timer = setTimeout(act, ms / speed)
      return () => clearTimeout(timer)
    },
    every(ms, act) {
      const timer = setInterval(act, ms / speed)
      return () => clearInterval(timer)
    },
    soon: act => void setImmediate(act),
  }
  const ledger = new Ledger({ ...DEFAULT_SETTINGS, namespaceShare: 1, ...settings }, { findWorkload: () => 'Absent' })
  const recent = createRecent(wallMs)
  const world = {
    term: 4,
    pod: 'startgate-lease-service-0',
    isLeader: true,
    /** What the API server says of whoever reads. */
    verdict: 'allowed' as 'allowed' | 'forbidden' | 'unauthenticated',
    pressures: new Map<string, Pressure>(),
    heldBack: new Set<string>(),
    sequenced: new Map<string, { pod: Pod; agent: boolean }>(),
    sinceMs: beganMs - 3 * 3_600_000,
  }
  const lives = new Map<string, Life>()
  for (const name of nodes) ledger.upsertNode(nodeOf(name))

  const ask = (pod: Pod, life: Partial<Life> = {}): void => {
    const ticket = ticketOf(pod, { gate: GATE, attempt: 1 })
    if ('refused' in ticket) throw new Error(ticket.refused)
    ledger.upsertPod(pod)
    ledger.ask(ticket, clock.monotonicMs())
    lives.set(pod.metadata.uid ?? '', { pod, startMs, ...life })
  }
  const letGo = (grant: Grant): void => {
    const life = lives.get(grant.podUid)
    recent.granted(grant, clock.monotonicMs() - (ledger.askedAtMs(grant) ?? 0))
    ledger.stored(grant)
    ledger.withdraw(grant.key)
    if (!life) return
    life.readyAtMs = clock.monotonicMs() + life.startMs
    ledger.upsertPod(running(life.pod, wallMs(), false))
  }
  const step = (): void => {
    const nowMs = clock.monotonicMs()
    for (const life of lives.values()) {
      if (life.readyAtMs === undefined || life.readyAtMs > nowMs) continue
      ledger.upsertPod(running(life.pod, wallMs() - life.startMs, true))
      lives.delete(life.pod.metadata.uid ?? '')
    }
    const { grants, releases, timeouts } = ledger.step(nowMs, world.term, wallMs())
    for (const { grant, reason } of releases) recent.released(grant, reason)
    for (const timeout of timeouts) recent.timedOut(timeout)
    for (const grant of grants) letGo(grant)
  }
  const stopSteps = timers.every(250, step)
  const log = pino({ level: 'silent' })
  const routes = createStateRoutes({
    ...{ version: '0.1.0', clock, timers, log, cpuMs: () => 0 },
    get pod() {
      return world.pod
    },
    authorize: createReadAccess(async () => ({ verdict: world.verdict, username: 'viewer' }), clock.monotonicMs),
    leader: () => undefined,
    facts: now =>
      world.isLeader
        ? {
            ...{
              term: world.term,
              address: '192.0.2.7:8443',
              sinceMs: world.sinceMs,
              now,
              ledger: ledger.view(),
              recent,
            },
            ...{ pressures: () => [...world.pressures], autos: () => [], heldBack: world.heldBack },
            sequenced: [...world.sequenced.values()].flatMap(({ pod, agent }) => {
              const sequence = sequenceOf(pod)
              const facts = { attempt: 1, reports: undefined, timedOut: new Set<string>(), hasAgent: agent }
              return sequence ? [{ pod, sequence, ...facts }] : []
            }),
          }
        : undefined,
  })
  const server = buildMetricsServer({
    ...{ contentType: 'text/plain', text: async () => '', authorize: undefined },
    ...{ monotonicMs: clock.monotonicMs, other: routes, log },
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const open = (query: StateQuery, signal?: AbortSignal): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path: `${STATE_PATH}${queryText(query)}`, agent: false as const }
      const headers = { authorization: `Bearer ${TOKEN}` }
      get({ ...options, headers, ...(signal && { signal }) }, resolve).on('error', reject)
    })
  const watch: Watch = async function* (query, signal) {
    yield* eventsOf(await open({ ...query, watch: true }, signal), query)
  }
  const read = async (query: StateQuery): Promise<State> => {
    const answer = await open(query)
    let text = ''
    for await (const chunk of answer) text += String(chunk)
    if (answer.statusCode !== 200) throw new Error(text)
    return JSON.parse(text) as State
  }
  return {
    ...{ ledger, world, recent, clock, watch, read, ask, step, timers },
    /** `count` pods of a namespace, spread over the nodes. */
    herd(
      namespace: string,
      count: number,
      { containers = ['app'], ...life }: { containers?: string[] } & Partial<Life> = {},
    ) {
      for (let i = 0; i < count; i++) {
        const name = `${namespace}-${suffix(i)}`
        ask(podOf(name, namespace, nodes[i % nodes.length] ?? '', { containers, atMs: wallMs() }), life)
      }
    },
    /** Another replica leads: watches end, and what was told begins anew. */
    async takeOver(pod: string, pauseMs = 0) {
      world.isLeader = false
      await new Promise(resolve => setTimeout(resolve, pauseMs))
      Object.assign(world, { isLeader: true, term: world.term + 1, pod, sinceMs: wallMs() })
    },
    close() {
      stopSteps()
      server.closeAllConnections()
      server.close()
    },
  }
}

/** As the names of a Deployment's pods end. */
function suffix(i: number): string {
  return `7d9c5b-${(i * 7_919 + 46_656).toString(36).slice(-5)}`
}

function nodeOf(name: string): Node {
  return {
    metadata: { name },
    status: { capacity: { cpu: '8' }, conditions: [{ type: 'Ready', status: 'True' }] },
  }
}

function podOf(
  name: string,
  namespace: string,
  node: string,
  { containers, atMs }: { containers: string[]; atMs: number },
): Pod {
  const stamp = new Date(atMs).toISOString()
  const gate: ContainerStatus = {
    ...{ name: GATE, ready: false, restartCount: 0, containerID: `containerd://gate-${name}` },
    state: { running: { startedAt: stamp } },
  }
  return {
    metadata: {
      uid: `uid-${namespace}-${name}`,
      name,
      namespace,
      creationTimestamp: stamp,
      labels: { 'startgate.dev/gated': 'true' },
    },
    spec: {
      nodeName: node,
      initContainers: [{ name: GATE }],
      containers: containers.map(container => ({ name: container, readinessProbe: {} })),
    },
    status: { phase: 'Pending', initContainerStatuses: [gate] },
  }
}

/** Its gate was let go, and its containers run. */
function running(pod: Pod, sinceMs: number, isReady: boolean): Pod {
  const stamp = new Date(sinceMs).toISOString()
  const containerID = pod.status?.initContainerStatuses?.[0]?.containerID ?? ''
  const gate: ContainerStatus = {
    ...{ name: GATE, ready: true, restartCount: 0, containerID },
    state: { terminated: { exitCode: 0, containerID, startedAt: stamp, finishedAt: stamp } },
  }
  return {
    ...pod,
    status: {
      phase: 'Running',
      initContainerStatuses: [gate],
      containerStatuses: pod.spec.containers.map(({ name }) => ({
        ...{
          name,
          ready: isReady,
          started: isReady,
          restartCount: 0,
          containerID: `containerd://${name}-${pod.metadata.uid}`,
        },
        state: { running: { startedAt: stamp } },
      })),
    },
  }
}
