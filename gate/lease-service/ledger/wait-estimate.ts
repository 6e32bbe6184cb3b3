import type { Scope } from '../limits/scope.ts'
import type { Resource } from '../model/grant.ts'

type Bounds = Pick<Scope, 'limit' | 'windowMs'>

const REMEMBERED = 50

/** How long slots were held lately, and from that how long a place in a line may take. */
export class WaitEstimate {
  readonly #recent: Record<Resource, number[]> = { pull: [], start: [] }
  readonly #sumMs: Record<Resource, number> = { pull: 0, start: 0 }

  /** Takes note of one grant's time from grant to release, in ms. */
  add(resource: Resource, heldMs: number): void {
    const recent = this.#recent[resource]
    recent.push(heldMs)
    this.#sumMs[resource] += heldMs
    if (recent.length > REMEMBERED) this.#sumMs[resource] -= recent.shift() ?? 0
  }

  /**
   * Wait of place `place` (1 is next) for a scope, in ms: for `limit` slots a simple moving average of hold times, as
   * if they came free in rounds; under a rate, `limit` go in each window. undefined while nothing is known.
   */
  waitMs(resource: Resource, place: number, { limit: slots, windowMs }: Bounds): number | undefined {
    const recent = this.#recent[resource]
    if (slots < 1) return undefined
    if (windowMs !== undefined) return windowMs * Math.ceil(place / slots)
    if (recent.length === 0) return undefined
    const averageMs = this.#sumMs[resource] / recent.length
    return Math.round(averageMs * Math.ceil(place / slots))
  }
}
