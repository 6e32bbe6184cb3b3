import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'esbuild'
import { BUNDLES } from '../build.ts'
import { madeToken } from '../gate/lease-service/testing/made-token.ts'
import { benchCertificate, type Tls } from './certificate.ts'
import { GateHerd } from './gate-herd.ts'
import { nowMs } from './now.ts'
import type { ClusterOptions, ClusterOrder, ClusterReport } from './scale-cluster.ts'
import { kubeconfig, scaleConfig } from './scale-config.ts'
import { type ClusterSize, namespaceNameOf, podIndexOf, podNameOf, uidOf } from './scale-objects.ts'
import { APPS } from './scale-pod.ts'
import type { Probe } from './scale-probe.ts'

const API_PORT = 18_450
const SERVICE_PORTS = { first: 18_451, second: 18_452 }
const SERVER_NAME = 'startgate-lease-service.startgate-system.svc'
const START_MS = 100
/** How long a cluster in which much changes and nobody may start is looked at. */
const STEADY_MS = 20_000
const CHURN = { podsPerSecond: 200, nodesPerSecond: 20 }
/** As bundled for the image: what Node needs to run TypeScript is no part of it. */
const PROGRAMS = 'app'
/**
 * Pods of one node, each with as many slots as it has containers. Below one pod's slots, each would start alone and
 * with an Event that its request is larger than the limit.
 */
const STARTS_AT_ONCE = 2
/** The heap's bound that Node itself chooses in the chart's memory limit of 2 GiB. */
const HEAP_MIB = 1_024
/** As in the chart's command. */
const SEMI_SPACE_MIB = 8

export interface ScaleFigures {
  /** From the start of a replica until it has seen all of the cluster. */
  syncSeconds: number
  rssMiB: number
  heapMiB: number
  /** Longest time without a break. */
  steadyStallMs: number
  takeoverStallMs: number
  /** The same in CPU time of the leader. */
  steadyBusyMs: number
  takeoverBusyMs: number
  /** From the write of the election Lease until a gate hears the new leader. */
  takeoverMs: number
  grantsPerSecond: number
  /** The same for a second of the leader's CPU time. */
  grantsPerCpuSecond: number
  /** Cores that each process used meanwhile. */
  leaderCores: number
  gatesCores: number
  apiCores: number
  /** CPU time of a pod's or node's change. */
  changeMs: number
}

/** `part`: a tenth of the whole is 10. As many wait in each: what they cost is no matter of the cluster's size. */
export function sizeOf(part: number): ClusterSize {
  return { nodes: 5_000 / part, pods: 150_000 / part, namespaces: 10_000 / part, waiting: 2_000 }
}

/** One lease service on one cluster: in steady state, at takeover, and when all who wait may start. */
export async function benchScale(size: ClusterSize, { isStreaming = true, profile = '' } = {}): Promise<ScaleFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'startgate-scale-'))
  const tls = await benchCertificate('localhost')
  const serviceTls = await benchCertificate(SERVER_NAME)
  const cluster = await startCluster({ port: API_PORT, tls, serviceTls, size, isStreaming, startMs: START_MS })
  const sources = { 'lease-service': 'gate/lease-service/main.ts', probe: 'bench/scale-probe.ts' }
  await build({ ...BUNDLES, entryPoints: sources, outdir: join(directory, PROGRAMS) })
  const replica = (port: number) => startReplica(port, { directory, caPem: tls.ca, profile })
  const herd = new GateHerd()
  try {
    const startedMs = nowMs()
    const first = await replica(SERVICE_PORTS.first)
    const syncSeconds = (nowMs() - startedMs) / 1_000
    const second = await replica(SERVICE_PORTS.second)
    await herd.start({
      gates: size.waiting,
      port: SERVICE_PORTS.second,
      serverName: SERVER_NAME,
      ca: serviceTls.ca,
      ...gatesOf(cluster, size),
    })
    while (herd.inContact < size.waiting) await sleep(100)
    const steady = await steadyState(cluster, first)
    await ask<Probe>(second, 'probe')
    const word = herd.nextWord()
    first.kill('SIGKILL')
    const takeoverMs = (await word) - (await elected(cluster)).atMs
    await sleep(5_000)
    const { stalledMs: takeoverStallMs, busyMs: takeoverBusyMs } = await ask<Probe>(second, 'probe')
    const grants = await thaw(herd, { cluster, leader: second })
    second.kill(profile ? 'SIGTERM' : 'SIGKILL')
    if (profile) await once(second, 'exit')
    return { syncSeconds, ...steady, takeoverStallMs, takeoverBusyMs, takeoverMs, ...grants }
  } finally {
    cluster.kill('SIGKILL')
    rmSync(directory, { recursive: true })
  }
}

async function steadyState(
  cluster: ChildProcess,
  leader: ChildProcess,
): Promise<Pick<ScaleFigures, 'rssMiB' | 'heapMiB' | 'steadyStallMs' | 'steadyBusyMs' | 'changeMs'>> {
  // What came before, the herd's handshakes above all, is not steady state.
  await sleep(5_000)
  const idle = await ask<Probe>(leader, 'probe')
  await sleep(STEADY_MS / 2)
  const before = await ask<Probe>(leader, 'probe')
  const changesBefore = (await report(cluster)).changes
  cluster.send({ kind: 'churn', ...CHURN } satisfies ClusterOrder)
  const seen: Probe[] = []
  for (const end = nowMs() + STEADY_MS; nowMs() < end; await sleep(1_000)) seen.push(await ask<Probe>(leader, 'probe'))
  cluster.send({ kind: 'churn', podsPerSecond: 0, nodesPerSecond: 0 } satisfies ClusterOrder)
  const changes = (await report(cluster)).changes - changesBefore
  const after = await ask<Probe>(leader, 'probe')
  // Heartbeats and leadership cost as much in both.
  const idleMs = ((before.cpuMs - idle.cpuMs) / (STEADY_MS / 2)) * STEADY_MS
  const most = (pick: (probe: Probe) => number): number => seen.reduce((max, probe) => Math.max(max, pick(probe)), 0)
  return {
    rssMiB: most(p => p.rssBytes) / 2 ** 20,
    heapMiB: most(p => p.heapUsedBytes) / 2 ** 20,
    steadyStallMs: most(p => p.stalledMs),
    steadyBusyMs: most(p => p.busyMs),
    changeMs: (after.cpuMs - before.cpuMs - idleMs) / changes,
  }
}

type Grants = Pick<ScaleFigures, 'grantsPerSecond' | 'grantsPerCpuSecond' | 'leaderCores' | 'gatesCores' | 'apiCores'>

/** All who wait may start. */
async function thaw(
  herd: GateHerd,
  { cluster, leader }: { cluster: ChildProcess; leader: ChildProcess },
): Promise<Grants> {
  const used = async () => {
    const { user, system } = process.cpuUsage()
    const { cpuMs: apiMs } = await report(cluster)
    return { leaderMs: (await ask<Probe>(leader, 'probe')).cpuMs, gatesMs: (user + system) / 1_000, apiMs }
  }
  const before = await used()
  const beganMs = nowMs()
  cluster.send({ kind: 'thaw', limit: STARTS_AT_ONCE * APPS.length } satisfies ClusterOrder)
  await herd.ended()
  const tookMs = nowMs() - beganMs
  const after = await used()
  const times = herd.grants.map(({ atMs }) => atMs).sort((a, b) => a - b)
  return {
    grantsPerSecond: ((times.length - 1) * 1_000) / ((times.at(-1) ?? 0) - (times[0] ?? 0)),
    grantsPerCpuSecond: (times.length * 1_000) / (after.leaderMs - before.leaderMs),
    leaderCores: (after.leaderMs - before.leaderMs) / tookMs,
    gatesCores: (after.gatesMs - before.gatesMs) / tookMs,
    apiCores: (after.apiMs - before.apiMs) / tookMs,
  }
}

/** What gates show the service, and what a kubelet would do once they end. */
function gatesOf(cluster: ChildProcess, size: ClusterSize) {
  return {
    podUidOf: uidOf,
    tokenOf: (podUid: string) => {
      const i = podIndexOf(podUid)
      return madeToken({ namespace: namespaceNameOf(i % size.namespaces), podName: podNameOf(i), podUid })
    },
    onGranted: (podUid: string) =>
      void cluster.send({ kind: 'started', pods: [podIndexOf(podUid)] } satisfies ClusterOrder),
  }
}

async function startCluster(options: ClusterOptions): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'scale-cluster.ts'), [JSON.stringify(options)])
  await once(child, 'message')
  return child
}

interface ReplicaOptions {
  directory: string
  caPem: Tls['ca']
  /** Where to leave a CPU profile; empty: nowhere. */
  profile: string
}

/** The lease service's program as it ships, with a probe beside it; resolves when it serves. */
async function startReplica(port: number, { directory, caPem, profile }: ReplicaOptions): Promise<ChildProcess> {
  const files = { config: join(directory, `${port}.json`), kubeconfig: join(directory, 'kubeconfig') }
  writeFileSync(files.config, JSON.stringify(scaleConfig(port)))
  writeFileSync(files.kubeconfig, JSON.stringify(kubeconfig(`https://localhost:${API_PORT}`, caPem)))
  const child = fork(join(directory, PROGRAMS, 'lease-service.mjs'), [], {
    execArgv: [
      `--max-old-space-size=${HEAP_MIB}`,
      `--max-semi-space-size=${SEMI_SPACE_MIB}`,
      '--import',
      join(directory, PROGRAMS, 'probe.mjs'),
      ...(profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []),
    ],
    env: {
      ...process.env,
      STARTGATE_CONFIG: files.config,
      KUBECONFIG: files.kubeconfig,
      POD_IP: '127.0.0.1',
      POD_NAME: `replica-${port}`,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    if (process.env.STARTGATE_BENCH_LOG) process.stderr.write(text)
    if (text.includes('serving gates')) resolve()
  })
  await promise
  return child
}

async function ask<T>(child: ChildProcess, order: string): Promise<T> {
  const answer = once(child, 'message')
  child.send(order)
  return ((await answer) as [T])[0]
}

async function report(cluster: ChildProcess): Promise<ClusterReport> {
  const answer = once(cluster, 'message')
  cluster.send({ kind: 'report' } satisfies ClusterOrder)
  return ((await answer) as [ClusterReport])[0]
}

/** The latest change of leaders. */
async function elected(cluster: ChildProcess): Promise<ClusterReport['elections'][number]> {
  const { elections } = await report(cluster)
  const last = elections.at(-1)
  if (!last) throw new Error('nobody was elected')
  return last
}
