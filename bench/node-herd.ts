import { randomUUID } from 'node:crypto'
import { Agent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../core/clock.ts'
import type { Pod } from '../core/pod.ts'
import { LeaderLinks } from '../gate/node/leader-links.ts'
import { waitUnlessWithdrawn } from '../gate/pod/wait.ts'
import { benchCertificate } from './certificate.ts'
import type { HeardGrant } from './hand-overs.ts'
import { handOversMs } from './hand-overs.ts'
import { LeaseServiceChild } from './lease-service-child.ts'
import type { Figures, ServiceOptions } from './lease-service-process.ts'
import { madeHerd } from './made-herd.ts'
import { nowMs } from './now.ts'
import { quantiles } from './quantiles.ts'

/*
 * What waiting gates cost the leader that wait through their nodes' waiters: `node bench/node-herd.ts 10000`, on the
 * nodes of made-herd.ts. The waiters' links are real, the shells before them are left out.
 */

const PORT = 18_444
const SERVER_NAME = 'startgate-lease-service.startgate-system.svc'
const SLOTS_PER_NODE = 2
const START_MS = 500
const WINDOW_MS = 20_000

/** What one node tells. */
const FIGURES = {
  ...{ cores: 8, busy: 0.8125, ioWait: 0.0312, runnable: 12 },
  pressure: { cpu: 86.84, io: 12.5, memory: 0.12 },
  stalled: { io: 3.0517, memory: 0 },
}

interface Herd {
  grants: HeardGrant[]
  /** Figures of all nodes, once. */
  tellFigures: () => void
  abandon: () => void
}

/** All gates wait, each node's on one link. */
function startHerd(pods: Pod[], caPem: string): Herd {
  const grants: HeardGrant[] = []
  const withdrawn = new AbortController()
  const links = new Map<string, LeaderLinks>()
  for (const { metadata, spec } of pods) {
    const nodeName = spec.nodeName ?? ''
    const connection = {
      serverName: SERVER_NAME,
      caPem: async () => caPem,
      token: async () => nodeName,
      agent: new Agent(),
    }
    const own = links.get(nodeName) ?? new LeaderLinks(connection, () => systemClock.monotonicMs())
    links.set(nodeName, own)
    const podUid = metadata.uid ?? ''
    const gate = { namespace: metadata.namespace ?? '', podName: podUid, gate: 'startgate-start' as const }
    const patience = { failOpenAfterMs: 600_000, failOpenJitterMs: 0 }
    const config = { ...patience, gate: gate.gate, address: `127.0.0.1:${PORT}`, serverName: '', caPem: '', podUid }
    const wait = {
      config,
      attempt: 1,
      isLost: false,
      client: own.clientOf(gate),
      clock: systemClock,
      random: Math.random,
      newNonce: randomUUID,
      readPressure: async () => ({}),
      onReason: () => undefined,
    }
    void waitUnlessWithdrawn(wait, withdrawn.signal).then(
      verdict => void (verdict?.verdict === 'granted' && grants.push({ podUid, atMs: nowMs() })),
    )
  }
  const tellFigures = (): void => {
    for (const own of links.values()) own.tellFigures(FIGURES)
  }
  return { grants, tellFigures, abandon: () => withdrawn.abort() }
}

async function main(gates: number): Promise<void> {
  const tls = await benchCertificate(SERVER_NAME)
  const size = { gates, line: 'node' as const, limit: SLOTS_PER_NODE }
  const options: ServiceOptions = { port: PORT, tls, ...size, apiLatencyMs: 5, startMs: START_MS }
  const service = await LeaseServiceChild.start(options)
  const idle = await service.order()
  const herd = startHerd(madeHerd(gates), tls.ca)
  const begunMs = nowMs()
  for (let figures = idle; figures.streams < gates; figures = await service.order()) await sleep(100)
  const connectedMs = nowMs() - begunMs
  await sleep(10_000)
  const before = await service.order()
  await sleep(10_000)
  const without = await service.order()
  const telling = setInterval(herd.tellFigures, 1_000)
  await sleep(10_000)
  clearInterval(telling)
  const waiting = await service.order({ thaw: true })
  await sleep(WINDOW_MS)
  const { freedAtMs, told, stalledMs } = await service.order()
  const nodes = waiting.connections
  const cores = (from: Figures, to: Figures): string => ((to.cpuMs - from.cpuMs) / 10_000).toFixed(3)
  const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`
  const { p50, p99 } = quantiles(handOversMs(freedAtMs, told, nodes * SLOTS_PER_NODE))
  process.stdout.write(
    `${[
      `${waiting.streams} gates on ${nodes} connections, all there after ${Math.round(connectedMs)} ms`,
      `RSS of the leader ${mib(idle.rssBytes)} without them, ${mib(waiting.rssBytes)} with them`,
      `CPU while they wait: ${cores(before, without)} cores, with figures of ${nodes} nodes each second ${cores(without, waiting)}`,
      `${Math.round((told.length * 1_000) / WINDOW_MS)} grants a second; told after p50 ${Math.round(p50)} ms, p99 ${Math.round(p99)} ms`,
      `longest stall ${Math.round(stalledMs)} ms; ${herd.grants.length} heard`,
    ].join('\n')}\n`,
  )
  herd.abandon()
  await service.kill()
  process.exit(0)
}

if (import.meta.main) await main(Number(process.argv[2] ?? 10_000))
