import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryLeaseApi } from '../gate/lease-service/store/lease-store.memory.ts'
import { type ApiCalls, apiWithLatency } from './api-with-latency.ts'
import { benchCertificate } from './certificate.ts'
import { GateHerd } from './gate-herd.ts'
import { handOversMs, meanPassedOver, type PodTime } from './hand-overs.ts'
import { LeaseServiceChild } from './lease-service-child.ts'
import type { Figures, ServiceOptions } from './lease-service-process.ts'
import { madeHerd } from './made-herd.ts'
import { NaiveHerd } from './naive-herd.ts'
import { nowMs } from './now.ts'
import { type Quantiles, quantiles } from './quantiles.ts'

/** Of one write of a Lease as seen on the real API server; see budgets.json. */
export const API_LATENCY_MS = 5
const PORT = 18_443
export const SERVER_NAME = 'startgate-lease-service.startgate-system.svc'
/** A herd has settled when nobody has lost contact for so long. */
const QUIET_MS = 5_000
const PATIENCE_MS = 100_000

/** How a herd of gates that all connect at once comes to rest. */
export interface Settling {
  /** Infinity: not within PATIENCE_MS. */
  seconds: number
  /** Connections a gate made until it stayed in contact. */
  asksPerGate: number
  failedOpen: number
}

export interface Run {
  grantsPerSecond: number
  /** Until the gate has heard that it has the slot. */
  handOverMs: Quantiles
  passedOver: number
  writesPerGrant: number
  readsPerGrant: number
  readsPerSecond: number
}

interface Bench {
  service: LeaseServiceChild
  herd: GateHerd
  options: ServiceOptions
  startedAtMs: number
}

/** So many gates on as many lines as there are nodes, so that none is told to go and come back. */
export async function benchHerd(gates: number): Promise<{
  cold: Settling
  again: Settling
  waiting: Figures
  idleCores: number
  stalledMs: number
  grantsPerSecond: number
}> {
  const tls = await benchCertificate(SERVER_NAME)
  const bench = await connected({ tls, gates, line: 'node', limit: 2, startMs: 100 })
  const cold = await settled(bench, { sinceMs: bench.startedAtMs })
  const before = await bench.service.order()
  await sleep(QUIET_MS)
  const waiting = await bench.service.order()
  const idleCores = (waiting.cpuMs - before.cpuMs) / QUIET_MS
  const asks = bench.herd.asks
  const killedMs = nowMs()
  await bench.service.kill()
  bench.service = await LeaseServiceChild.start(bench.options)
  const again = await settled(bench, { sinceMs: killedMs, asksBefore: asks })
  const { stalledMs } = await bench.service.order({ thaw: true })
  await bench.herd.ended()
  await bench.service.kill()
  return { cold, again, waiting, idleCores, stalledMs, grantsPerSecond: rateOf(bench.herd.grants) }
}

export const SLOTS = 100
const START_MS = 500
const WINDOW_MS = 20_000
const POLL_MS = 1_000

/** The same herd on one line of a hundred slots, for a time: our gates, then naive ones. */
export async function benchLine(
  gates: number,
): Promise<{ ours: Run; toldMs: Quantiles; herdCores: number; serviceCores: number; naive: Run }> {
  const pods = madeHerd(gates)
  const tls = await benchCertificate(SERVER_NAME)
  const bench = await connected({ tls, gates, line: 'cluster', limit: SLOTS, startMs: START_MS })
  await settled(bench, { sinceMs: bench.startedAtMs })
  const before = await bench.service.order({ thaw: true })
  const cpuBefore = process.cpuUsage()
  await sleep(WINDOW_MS)
  const { user, system } = process.cpuUsage(cpuBefore)
  const { api, freed, told, cpuMs } = await bench.service.order()
  const grants = [...bench.herd.grants]
  await bench.herd.abandon()
  await bench.service.kill()
  const calls = { reads: api.reads - before.api.reads, writes: api.writes - before.api.writes }
  const freedAtMs = freed.map(({ atMs }) => atMs)
  const ours = runOf(grants, freedAtMs, calls, pods)
  const toldMs = quantiles(handOversMs(freedAtMs, told, SLOTS))
  const herdCores = (user + system) / 1_000 / WINDOW_MS
  const serviceCores = (cpuMs - before.cpuMs) / WINDOW_MS

  const naiveCalls: ApiCalls = { reads: 0, writes: 0 }
  const naive = new NaiveHerd({
    api: apiWithLatency(new MemoryLeaseApi(), API_LATENCY_MS, naiveCalls),
    podUids: pods.map(pod => pod.metadata.uid ?? ''),
    slots: SLOTS,
    pollMs: POLL_MS,
    startMs: START_MS,
  })
  await naive.run(WINDOW_MS)
  return { ours, toldMs, herdCores, serviceCores, naive: runOf(naive.grants, naive.freedAtMs, naiveCalls, pods) }

  function runOf(heard: PodTime[], freedMs: number[], { reads, writes }: ApiCalls, all: typeof pods): Run {
    return {
      grantsPerSecond: rateOf(heard),
      handOverMs: quantiles(handOversMs(freedMs, heard, SLOTS)),
      passedOver: meanPassedOver(all, heard),
      writesPerGrant: writes / heard.length,
      readsPerGrant: reads / heard.length,
      readsPerSecond: (reads * 1_000) / WINDOW_MS,
    }
  }
}

export async function connected(
  how: Pick<ServiceOptions, 'tls' | 'gates' | 'line' | 'limit' | 'startMs' | 'statePort'>,
): Promise<Bench> {
  const options = { ...how, port: PORT, apiLatencyMs: API_LATENCY_MS }
  const service = await LeaseServiceChild.start(options)
  const herd = new GateHerd()
  const startedAtMs = nowMs()
  await herd.start({ gates: how.gates, port: PORT, serverName: SERVER_NAME, ca: how.tls.ca })
  return { service, herd, options, startedAtMs }
}

/** Waits until all gates are in contact, and stay so. */
export async function settled(
  { herd, options: { gates } }: Bench,
  { sinceMs, asksBefore = 0 }: { sinceMs: number; asksBefore?: number },
): Promise<Settling> {
  let losses = -1
  // Looked at before the time is: this process is too busy at first to look every time.
  for (let restlessMs = sinceMs; ; await sleep(100)) {
    const atMs = nowMs()
    if (herd.inContact < gates || herd.losses !== losses) restlessMs = atMs
    losses = herd.losses
    const isSettled = atMs - restlessMs >= QUIET_MS
    if (!isSettled && atMs - sinceMs <= PATIENCE_MS) continue
    const seconds = isSettled ? (restlessMs - sinceMs) / 1_000 : Number.POSITIVE_INFINITY
    return { seconds, asksPerGate: (herd.asks - asksBefore) / gates, failedOpen: herd.failedOpen }
  }
}

function rateOf(grants: PodTime[]): number {
  const times = grants.map(({ atMs }) => atMs).sort((a, b) => a - b)
  const [first = 0, last = 0] = [times[0], times.at(-1)]
  return ((times.length - 1) * 1_000) / (last - first)
}
