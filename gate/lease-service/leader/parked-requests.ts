import type { Clock } from '../../../core/clock.ts'
import type { Timers } from '../../../core/timers.ts'
import { MAX_STREAMS } from '../streams/reconnect-policy.ts'

/**
 * Longer than a dead leader's Lease lasts, shorter than the silence after which a gate gives a connection up (15 s).
 */
export const PARKED_MS = 10_000
/** How often who is parked is looked at. */
const LOOK_MS = 100
/** So many go on in one turn of the event loop: a herd must not keep the leader's renewals out. */
const AT_ONCE = 200

interface Parked {
  end: () => void
  untilMs: number
}

/**
 * Requests that came while nobody led. Kept here they need not come again: once a leader is known they are served, or
 * sent on, within LOOK_MS, where gates that were sent away would back off for seconds and come in a random order.
 */
export class ParkedRequests {
  readonly #isSettled: () => boolean
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #parked = new Set<Parked>()
  #stopLooking: (() => void) | undefined

  /** `isSettled`: it is known who leads, so nobody need wait any more. */
  constructor(isSettled: () => boolean, { clock, timers }: { clock: Clock; timers: Timers }) {
    this.#isSettled = isSettled
    this.#clock = clock
    this.#timers = timers
  }

  /**
   * Resolves as soon as it is settled who leads, after PARKED_MS at the latest; at once where so many are parked that
   * memory would run out.
   */
  untilSettled(): Promise<void> {
    if (this.#isSettled() || this.#parked.size >= MAX_STREAMS) return Promise.resolve()
    this.#stopLooking ??= this.#timers.every(LOOK_MS, () => this.look())
    return new Promise(end => this.#parked.add({ end, untilMs: this.#clock.monotonicMs() + PARKED_MS }))
  }

  /** To be called when something has changed, so that nobody waits for the next look. */
  look(): void {
    const nowMs = this.#clock.monotonicMs()
    const isSettled = this.#isSettled()
    let left = AT_ONCE
    for (const parked of this.#parked) {
      if (!isSettled && parked.untilMs > nowMs) continue
      if (left-- === 0) {
        this.#timers.soon(() => this.look())
        break
      }
      this.#parked.delete(parked)
      parked.end()
    }
    if (this.#parked.size > 0) return
    this.#stopLooking?.()
    this.#stopLooking = undefined
  }
}
