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
