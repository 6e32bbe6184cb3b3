/** Time that comes to somebody, as an argument: shells are given it, and a simulation brings its own. */
export interface Timers {
  /** Runs `act` once, `ms` from now. Returns what calls it off. */
  after(ms: number, act: () => void): () => void
  /** Runs `act` each `ms` until it is called off. */
  every(ms: number, act: () => void): () => void
  /** Runs `act` as soon as what has arrived by now is dealt with. */
  soon(act: () => void): void
}

export const systemTimers: Timers = {
  after(ms, act) {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
  every(ms, act) {
    const timer = setInterval(act, ms)
    return () => clearInterval(timer)
  },
  soon(act) {
    setImmediate(act)
  },
}
