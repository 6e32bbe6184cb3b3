import type { Scope } from './limits.ts'

/**
 * How many slots were given out lately in the scopes that have a rate. A process that has just begun to lead does not know
 * what its predecessor gave out, so every rate counts as used up for its first window. Times are monotonic ms.
 */
export class Rates {
  readonly #sinceMs: number
  /** By scope: when each slot stops to count, in order. */
  readonly #endsMs = new Map<string, number[]>()

  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs
  }

  inUse({ id, limit, windowMs = 0 }: Scope, nowMs: number): number {
    const counted = this.#current(id, nowMs).length
    return nowMs < this.#sinceMs + windowMs ? Math.max(counted, limit) : counted
  }

  /** Counts slots given out now. More than the limit go on counting for as many windows as they are worth. */
  take({ id, limit, windowMs = 0 }: Scope, slots: number, nowMs: number): void {
    const ends = this.#current(id, nowMs)
    for (let i = 0; i < slots; i++) ends.push(nowMs + windowMs * (Math.floor(i / Math.max(1, limit)) + 1))
    this.#endsMs.set(
      id,
      ends.sort((a, b) => a - b),
    )
  }

  /** When the scope may have room again. */
  changesAtMs({ id, windowMs = 0 }: Scope, nowMs: number): number {
    const first = this.#current(id, nowMs)[0] ?? Number.POSITIVE_INFINITY
    const firstWindowMs = this.#sinceMs + windowMs
    return firstWindowMs > nowMs ? firstWindowMs : first
  }

  #current(id: string, nowMs: number): number[] {
    const ends = (this.#endsMs.get(id) ?? []).filter(ms => ms > nowMs)
    if (ends.length === 0) this.#endsMs.delete(id)
    return ends
  }
}
