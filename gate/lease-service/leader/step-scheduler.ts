import type { Clock } from '../../../core/clock.ts'
import type { Timers } from '../../../core/timers.ts'

/**
 * A step is n log n in those who wait: it rests this many times as long as it took, so that there is time to answer.
 */
const REST_PER_STEP = 3
const LONGEST_REST_MS = 250

/** When steps run: all that happens in one turn of the event loop, or while a long step's rest lasts, is one step's. */
export class StepScheduler {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #step: () => void
  #isPlanned = false
  #isStopped = false
  #restUntilMs = 0
  #callOffWake: (() => void) | undefined

  constructor({ clock, timers }: { clock: Clock; timers: Timers }, step: () => void) {
    this.#clock = clock
    this.#timers = timers
    this.#step = step
  }

  plan(): void {
    if (this.#isPlanned || this.#isStopped) return
    this.#isPlanned = true
    const restMs = this.#restUntilMs - this.#clock.monotonicMs()
    if (restMs > 0) this.#timers.after(restMs, () => this.#run())
    else this.#timers.soon(() => this.#run())
  }

  /** Plans a step for then, in place of what was planned so before. */
  planIn(ms: number | undefined): void {
    this.#callOffWake?.()
    this.#callOffWake = ms === undefined ? undefined : this.#timers.after(Math.max(0, ms), () => this.plan())
  }

  stop(): void {
    this.#isStopped = true
    this.#callOffWake?.()
  }

  #run(): void {
    this.#isPlanned = false
    if (this.#isStopped) return
    const beginMs = this.#clock.monotonicMs()
    this.#step()
    const endMs = this.#clock.monotonicMs()
    this.#restUntilMs = endMs + Math.min(LONGEST_REST_MS, REST_PER_STEP * (endMs - beginMs))
  }
}
