import { randomUUID } from 'node:crypto'
import { Agent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { systemClock } from '../core/clock.ts'
import type { Pod } from '../core/pod.ts'
import { LeaderLinks } from '../gate/node/leader-links.ts'
import { benchCertificate } from './certificate.ts'
import type { PodTime } from './hand-overs.ts'
import { handOversByLine } from './hand-overs.ts'
import { LeaseServiceChild } from './lease-service-child.ts'
import type { Figures, ServiceOptions } from './lease-service-process.ts'
import { madeHerd } from './made-herd.ts'
import { nowMs } from './now.ts'
import { type Quantiles, quantiles } from './quantiles.ts'
import { type SlotPart, slotParts } from './slot-parts.ts'
import type { GrantWay } from './slot-trace.ts'

/*
 * What waiting gates cost the leader that wait through their nodes' waiters. The waiters' links are real, all in this
 * process; the shells before them and what a waiter does for one gate are left out.
 */

const PORT = 18_444
const SERVER_NAME = 'startgate-lease-service.startgate-system.svc'
const SLOTS_PER_NODE = 2
const REST_MS = 10_000
const LONGEST_MS = 120_000

/** What each node tells, as often as the leader asks for. */
const FIGURES = {
  ...{ cores: 8, busy: 0.8125, ioWait: 0.0312, runnable: 12 },
  pressure: { cpu: 86.84, io: 12.5, memory: 0.12 },
  stalled: { io: 3.0517, memory: 0 },
}

interface Herd {
  grants: PodTime[]
  abandon: () => void
}

/** All gates wait, each node's on one link. */
function startHerd(pods: Pod[], caPem: string): Herd {
  const grants: PodTime[] = []
  const withdrawn: AbortController[] = []
  const ofNodes: LeaderLinks[] = []
  for (const [nodeName, onNode] of Map.groupBy(pods, ({ spec }) => spec.nodeName ?? '')) {
    const token = async () => nodeName
    const connection = { serverName: SERVER_NAME, caPem: async () => caPem, token, agent: new Agent() }
    const links = new LeaderLinks(connection, () => systemClock.monotonicMs())
    ofNodes.push(links)
    // One a node: a signal looks through all who listen to it whenever one more does.
    const controller = new AbortController()
    withdrawn.push(controller)
    for (const pod of onNode) void waitAs(pod, links, controller.signal).then(granted => grants.push(...granted))
  }
  const telling = setInterval(() => {
    for (const links of ofNodes) links.tellFigures(FIGURES)
  }, 1_000)
  const abandon = (): void => {
    clearInterval(telling)
    for (const controller of withdrawn) controller.abort()
  }
  return { grants, abandon }
}

/**
 * One gate, until it is granted or given up. What a waiter does for it besides is left out: a process of each node has
 * its own time for that, and this one has all of them.
 */
async function waitAs({ metadata }: Pod, links: LeaderLinks, signal: AbortSignal): Promise<PodTime[]> {
  const podUid = metadata.uid ?? ''
  const client = links.clientOf({ namespace: metadata.namespace ?? '', podName: podUid, gate: 'startgate-start' })
  const grants: PodTime[] = []
  while (grants.length === 0 && !signal.aborted) {
    await client.ask(`127.0.0.1:${PORT}`, { podUid, attempt: 1, nonce: randomUUID() }, signal, ({ kind }) => {
      if (kind === 'granted') grants.push({ podUid, atMs: nowMs() })
    })
    if (grants.length === 0 && !signal.aborted) await sleep(1_000)
  }
  return grants
}

export interface NodeHerd {
  nodes: number
  gatesPerNode: number
  /** How long a start takes: all nodes' slots in that time are the most that can be granted. */
  startMs: number
}

export interface NodeHerdFigures {
  connectedMs: number
  /** Of the leader: before any gate has come, and with all that wait. */
  idleMiB: number
  waitingMiB: number
  /** Of the leader, while all wait. */
  waitingCores: number
  grantsPerSecond: number
  toldMs: Quantiles
  stalledMs: number
  /** The same in CPU time of the leader's thread. */
  busyMs: number
  /** CPU time of one step. */
  stepCpuMs: Quantiles
  /** Of the way from a free slot to the word on the gate's link. */
  parts: SlotPart[]
  /** From the thaw until the last gate was told, or for the longest window. */
  leaderCores: number
  herdCores: number
  /** CPU time of the leader. */
  cpuMsPerGrant: number
  told: number
}

type ThawFigure = Exclude<keyof NodeHerdFigures, 'connectedMs' | 'idleMiB' | 'waitingMiB' | 'waitingCores'>

/** `profile`: where to leave the leader's CPU profile; nowhere without. */
export async function benchNodeHerd(
  { nodes, gatesPerNode, startMs }: NodeHerd,
  profile?: string,
): Promise<NodeHerdFigures> {
  const tls = await benchCertificate(SERVER_NAME)
  const gates = nodes * gatesPerNode
  const size = { nodes, gates, line: 'node' as const, limit: SLOTS_PER_NODE }
  const options: ServiceOptions = { port: PORT, tls, ...size, apiLatencyMs: 5, startMs }
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const service = await LeaseServiceChild.start(options, flags)
  await sleep(REST_MS)
  const idle = await service.order()
  const begunMs = nowMs()
  const herd = startHerd(madeHerd(gates, nodes), tls.ca)
  for (let figures = idle; figures.streams < gates; figures = await service.order()) await sleep(100)
  const connectedMs = nowMs() - begunMs
  await sleep(REST_MS)
  const before = await service.order()
  await sleep(REST_MS)
  const waiting = await service.order({ thaw: true })
  const thaw = await thawed(service, { gates, nodes, cpuMsBefore: waiting.cpuMs })
  herd.abandon()
  await (profile === undefined ? service.kill() : service.end())
  const mib = ({ rssBytes }: Figures): number => rssBytes / 2 ** 20
  const waitingCores = (waiting.cpuMs - before.cpuMs) / REST_MS
  return { connectedMs, idleMiB: mib(idle), waitingMiB: mib(waiting), waitingCores, ...thaw }
}

/** All nodes start their pods, until none waits. */
async function thawed(
  service: LeaseServiceChild,
  { gates, nodes, cpuMsBefore }: { gates: number; nodes: number; cpuMsBefore: number },
): Promise<Pick<NodeHerdFigures, ThawFigure>> {
  const [begunMs, cpuBefore] = [nowMs(), process.cpuUsage()]
  const told: PodTime[] = []
  const freed: PodTime[] = []
  const ways: GrantWay[] = []
  const stepsCpuMs: number[] = []
  let [stalledMs, busyMs, cpuMs] = [0, 0, 0]
  while (told.length < gates && nowMs() - begunMs < LONGEST_MS) {
    await sleep(1_000)
    const figures = await service.order()
    told.push(...figures.told)
    freed.push(...figures.freed)
    ways.push(...figures.ways)
    stepsCpuMs.push(...figures.stepsCpuMs)
    stalledMs = Math.max(stalledMs, figures.stalledMs)
    busyMs = Math.max(busyMs, figures.busyMs)
    cpuMs = figures.cpuMs - cpuMsBefore
  }
  const tookMs = nowMs() - begunMs
  const { user, system } = process.cpuUsage(cpuBefore)
  const times = told.map(({ atMs }) => atMs).sort((a, b) => a - b)
  const lineOf = (podUid: string): number => Number(podUid.split('-').at(-1)) % nodes
  const handOvers = handOversByLine(freed, told, { slots: SLOTS_PER_NODE, lineOf })
  return {
    grantsPerSecond: ((times.length - 1) * 1_000) / ((times.at(-1) ?? 0) - (times[0] ?? 0)),
    toldMs: quantiles(handOvers.map(({ atMs, freedAtMs }) => atMs - freedAtMs)),
    stalledMs,
    busyMs,
    stepCpuMs: quantiles(stepsCpuMs),
    parts: slotParts(handOvers, ways),
    leaderCores: cpuMs / tookMs,
    herdCores: (user + system) / 1_000 / tookMs,
    cpuMsPerGrant: cpuMs / told.length,
    told: told.length,
  }
}

const USAGE = 'node bench/node-herd.ts --nodes 200 --gates-per-node 50 --start-ms 500 [--profile DIRECTORY]'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '200' },
      'gates-per-node': { type: 'string', default: '50' },
      'start-ms': { type: 'string', default: '500' },
      profile: { type: 'string' },
    },
  })
  const [nodes, gatesPerNode, startMs] = [values.nodes, values['gates-per-node'], values['start-ms']].map(Number)
  if (!nodes || !gatesPerNode || !startMs) throw new Error(USAGE)
  const figures = await benchNodeHerd({ nodes, gatesPerNode, startMs }, values.profile)
  for (const line of nodeHerdLines(figures)) process.stdout.write(`${line}\n`)
  process.exit(0)
}

/** For people. */
export function nodeHerdLines(figures: NodeHerdFigures): string[] {
  const { toldMs, idleMiB, waitingMiB, stepCpuMs: step } = figures
  return [
    `all gates there after ${figures.connectedMs.toFixed(0)} ms`,
    `RSS of the leader ${idleMiB.toFixed(0)} MiB without them, ${waitingMiB.toFixed(0)} MiB with them; ${figures.waitingCores.toFixed(3)} cores while they wait`,
    `${figures.told} told, ${figures.grantsPerSecond.toFixed(0)} grants a second; told after p50 ${toldMs.p50.toFixed(0)} ms, p99 ${toldMs.p99.toFixed(0)} ms; longest stall ${figures.stalledMs.toFixed(0)} ms, ${figures.busyMs.toFixed(0)} ms of it CPU time of its own`,
    `CPU time of a step p50 ${step.p50.toFixed(1)} ms, p99 ${step.p99.toFixed(1)} ms`,
    `${figures.cpuMsPerGrant.toFixed(2)} ms of the leader's CPU a grant; it used ${figures.leaderCores.toFixed(2)} cores, all waiters ${figures.herdCores.toFixed(2)}`,
    ...figures.parts.map(({ until, ms }) => `  ${until}: p50 ${ms.p50.toFixed(0)} ms, p99 ${ms.p99.toFixed(0)} ms`),
  ]
}

if (import.meta.main) await main()
