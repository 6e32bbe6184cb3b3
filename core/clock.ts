/** Time as an argument: shells hold a clock, cores are given numbers. */
export interface Clock {
  /** Wall clock, ms since the epoch: for stamps that people or other processes read. */
  wallMs(): number
  /** Monotonic, ms since some start: for timeouts. */
  monotonicMs(): number
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000_000n),
}

/** CPU time of this thread so far, in ms. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** For how long the event loop of this thread has had nothing to do so far, in ms. */
export function loopIdleMs(): number {
  return performance.nodeTiming.idleTime
}
