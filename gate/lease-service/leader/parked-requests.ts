import type { Clock } from '../../../core/clock.ts'
import type { Timers } from '../../../core/timers.ts'
import { MAX_STREAMS } from '../streams/reconnect-policy.ts'

/**
 * Longer than a dead leader's Lease lasts, shorter than the silence after which a gate gives a connection up (15 s).
 */
export const HELD_MS = 10_000
/** How often who is held is looked at. */
const LOOK_MS = 100
/** So many go on in one turn of the event loop: a herd must not keep the leader's renewals out. */
const AT_ONCE = 200

interface Held {
  end: () => void
  untilMs: number
}

/**
 * Requests that came while nobody led. Kept here they need not come again: once a leader is known they are served, or
 * sent on, within LOOK_MS, where gates that were sent away would back off for seconds and come in a random order.
 */
export class HeldRequests {
  readonly #isOver: () => boolean
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #held = new Set<Held>()
  #stopLooking: (() => void) | undefined

  /** `isOver`: nobody need wait any more. */
  constructor(isOver: () => boolean, { clock, timers }: { clock: Clock; timers: Timers }) {
    this.#isOver = isOver
    this.#clock = clock
    this.#timers = timers
  }

  /**
   * Resolves as soon as it is over, after HELD_MS at the latest; at once where so many are held that memory would run
   * out.
   */
  untilOver(): Promise<void> {
    if (this.#isOver() || this.#held.size >= MAX_STREAMS) return Promise.resolve()
    this.#stopLooking ??= this.#timers.every(LOOK_MS, () => this.look())
    return new Promise(end => this.#held.add({ end, untilMs: this.#clock.monotonicMs() + HELD_MS }))
  }

  /** To be called when something has changed, so that nobody waits for the next look. */
  look(): void {
    const nowMs = this.#clock.monotonicMs()
    const isOver = this.#isOver()
    let left = AT_ONCE
    for (const held of this.#held) {
      if (!isOver && held.untilMs > nowMs) continue
      if (left-- === 0) {
        this.#timers.soon(() => this.look())
        break
      }
      this.#held.delete(held)
      held.end()
    }
    if (this.#held.size > 0) return
    this.#stopLooking?.()
    this.#stopLooking = undefined
  }
}
