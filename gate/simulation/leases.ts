import type { Grant } from '../lease-service/model/grant.ts'
import type { Situations } from './situations.ts'
import type { Random, Timeline } from './timeline.ts'

/** Test support. The Leases as the API server has them: what outlives a leader. A grant object stands for one version of one Lease. */
export class SimLeases {
  readonly byKey = new Map<string, Grant>()
  /** Nothing is read or written before. */
  downUntilMs = 0
  readonly #time: Timeline
  readonly #random: Random
  readonly #situations: Situations

  constructor(time: Timeline, random: Random, situations: Situations) {
    this.#time = time
    this.#random = random
    this.#situations = situations
  }

  get isDown(): boolean {
    return this.#time.nowMs < this.downUntilMs
  }

  /** False where another term's is there, unless the writer is found to lead. */
  put(grant: Grant, isOurs: () => boolean): boolean {
    const written = this.byKey.get(grant.key)
    if (written && written.term !== grant.term && !isOurs()) return false
    this.byKey.set(grant.key, grant)
    return true
  }

  /** A write without an answer: it is carried out some time later, maybe when another one leads, or never. */
  putBlindly(grant: Grant): void {
    const { key, term } = grant
    const before = this.byKey.get(key)
    if (this.#random.chance(0.4)) return
    this.#time.after(Math.max(0, this.downUntilMs - this.#time.nowMs) + this.#random.int(0, 4_000), () => {
      if (this.byKey.get(key) !== before || (before?.term ?? 0) > term) return
      this.#situations.note('a write of unknown outcome was carried out')
      this.byKey.set(key, grant)
    })
  }

  /** Conditional on the version. */
  remove(stored: Grant): void {
    if (this.byKey.get(stored.key) === stored) this.byKey.delete(stored.key)
  }
}
