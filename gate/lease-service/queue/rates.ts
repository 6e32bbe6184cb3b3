import type { Scope } from '../limits/scope.ts'

/** The last use of a rate: one time stamp, and how many slots were given out at that very time. */
interface Emission {
  atMs: number
  slots: number
}

/**
 * Start rates by GCRA, the generic cell rate algorithm, with one time stamp a scope and no tolerance. A cell is up to
 * `limit` slots that are given out at one time; the next one may go `windowMs` later, so no window of that length ever
 * holds more than `limit` slots. A request larger than the limit is worth several cells, and the next one is due after
 * as many windows.
 *
 * A process that has just begun to lead does not know what its predecessor gave out: it takes every rate for used when
 * it began, and so gives nothing out for one window at most. Times are monotonic ms.
 */
export class Rates {
  readonly #sinceMs: number
  readonly #last = new Map<string, Emission>()

  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs
  }

  /** Slots of the limit that are used up now. */
  inUse(scope: Scope, nowMs: number): number {
    if (nowMs >= this.changesAtMs(scope)) return 0
    const last = this.#last.get(scope.id)
    return last?.atMs === nowMs ? last.slots : scope.limit
  }

  /** Counts slots given out now. */
  take({ id }: Scope, slots: number, nowMs: number): void {
    const last = this.#last.get(id)
    this.#last.set(id, { atMs: nowMs, slots: slots + (last?.atMs === nowMs ? last.slots : 0) })
  }

  /** From when on the whole limit may be given out, by the rate that is in force now. */
  changesAtMs({ id, limit, windowMs = 0 }: Scope): number {
    const last = this.#last.get(id)
    const firstMs = this.#sinceMs + windowMs
    return last ? Math.max(firstMs, last.atMs + Math.ceil(last.slots / Math.max(1, limit)) * windowMs) : firstMs
  }
}
