import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { benchCertificate, type Tls } from './certificate.ts'
import { connected, SERVER_NAME, SLOTS, settled } from './gates.ts'
import type { LeaseServiceChild } from './lease-service-child.ts'
import { nowMs } from './now.ts'
import type { Read, ViewerOptions } from './state-viewers-process.ts'

const STATE_PORT = 18_444
const START_MS = 1_000
/** After viewers came or went. */
const REST_MS = 4_000
const WINDOW_MS = 6_000

export interface WatchersFigures {
  /** Grants a second that gates were told of, and cores of the whole service, in the windows without and with. */
  without: Window
  withThem: Window
  /** What all viewers read in a second. */
  bytesPerSecond: number
}

interface Window {
  grantsPerSecond: number
  cores: number
}

/**
 * What `viewers` of the state API take from a herd in one line: windows without them, with, with, and without, so that
 * a line which gets shorter favours neither.
 */
export async function benchWatchers(gates: number, viewers: number): Promise<WatchersFigures> {
  const tls = await benchCertificate(SERVER_NAME)
  const bench = await connected({ tls, gates, line: 'cluster', limit: SLOTS, startMs: START_MS, statePort: STATE_PORT })
  await settled(bench, { sinceMs: bench.startedAtMs })
  await bench.service.order({ thaw: true })
  await sleep(REST_MS)
  const first = await windowOf(bench.service)
  const child = await watching(tls, viewers)
  const second = await windowOf(bench.service)
  const third = await windowOf(bench.service)
  const { bytes, events } = await read(child)
  child.kill()
  if (events === 0) throw new Error('the viewers were told nothing')
  await sleep(REST_MS)
  const last = await windowOf(bench.service)
  const left = gates - bench.herd.grants.length
  await bench.herd.abandon()
  await bench.service.kill()
  if (left <= SLOTS) throw new Error(`the line ran out of gates; use more than ${gates}`)
  return {
    without: mean(first, last),
    withThem: mean(second, third),
    bytesPerSecond: (bytes / (2 * WINDOW_MS)) * 1_000,
  }
}

async function windowOf(service: LeaseServiceChild): Promise<Window> {
  const before = await service.order()
  const fromMs = nowMs()
  await sleep(WINDOW_MS)
  const { told, cpuMs } = await service.order()
  const ms = nowMs() - fromMs
  return { grantsPerSecond: (told.length * 1_000) / ms, cores: (cpuMs - before.cpuMs) / ms }
}

/** Resolves when all have the whole state. */
async function watching({ ca }: Tls, viewers: number): Promise<ChildProcess> {
  const options: ViewerOptions = { port: STATE_PORT, ca, serverName: SERVER_NAME, viewers }
  const child = fork(join(import.meta.dirname, 'state-viewers-process.ts'), [JSON.stringify(options)])
  await sleep(REST_MS)
  await read(child)
  return child
}

async function read(child: ChildProcess): Promise<Read> {
  child.send('read')
  const [answer] = (await once(child, 'message')) as [Read]
  return answer
}

function mean(a: Window, b: Window): Window {
  return { grantsPerSecond: (a.grantsPerSecond + b.grantsPerSecond) / 2, cores: (a.cores + b.cores) / 2 }
}
