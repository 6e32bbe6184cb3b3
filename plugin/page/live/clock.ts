/** The leader's clock, as well as the page can tell: each state says when it was made. */
export interface LeaderClock {
  nowMs(): number
  /** A state came that was made at `atMs`. */
  told(atMs: number): void
}

const MOST_SAMPLES = 60

/** The lag of the fastest of the last states is the difference of the clocks. `wallMs`: this computer's clock. */
export function createLeaderClock(wallMs: () => number): LeaderClock {
  let lags: number[] = []
  return {
    nowMs: () => wallMs() - (lags.length > 0 ? Math.min(...lags) : 0),
    told(atMs) {
      lags = [...lags, wallMs() - atMs].slice(-MOST_SAMPLES)
    },
  }
}
