import { monitorEventLoopDelay } from 'node:perf_hooks'

/** What a process loaded with this module tells of itself; what is longest or most, since the last answer. */
export interface Probe {
  rssBytes: number
  heapUsedBytes: number
  /** Longest time in which the process could do nothing else. */
  stalledMs: number
  /** The same in CPU time of its main thread: what other processes take of the machine is no part of it. */
  busyMs: number
  cpuMs: number
}

const TICK_MS = 5

/** Preloaded into the lease service's own program (`--import`), which stays as it ships. */
const stalls = monitorEventLoopDelay({ resolution: TICK_MS })
stalls.enable()
let usedMs = threadMs()
let busyMs = 0
setInterval(() => {
  const nowMs = threadMs()
  busyMs = Math.max(busyMs, nowMs - usedMs)
  usedMs = nowMs
}, TICK_MS).unref()
process.on('message', (order: 'probe' | 'snapshot') => {
  if (order === 'snapshot') void import('node:v8').then(v8 => process.send?.(v8.writeHeapSnapshot()))
  else {
    const { user, system } = process.cpuUsage()
    const { rss: rssBytes, heapUsed: heapUsedBytes } = process.memoryUsage()
    const cpuMs = (user + system) / 1_000
    process.send?.({ rssBytes, heapUsedBytes, stalledMs: stalls.max / 1e6, busyMs, cpuMs } satisfies Probe)
    stalls.reset()
    busyMs = 0
  }
})
process.channel?.unref()
process.once('disconnect', () => process.exit())

function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
