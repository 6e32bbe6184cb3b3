import type { Clock } from '../../../core/clock.ts'

/**
 * A step is n log n in those who wait: it rests this many times as long as it took, so that there is time to answer.
 */
const REST_PER_STEP = 3
const LONGEST_REST_MS = 250

/** When steps run: all that happens in one turn of the event loop, or while a long step's rest lasts, is one step's. */
export class StepPace {
  readonly #clock: Clock
  readonly #step: () => void
  #isPlanned = false
  #isStopped = false
  #restUntilMs = 0
  #wake: NodeJS.Timeout | undefined

  constructor(clock: Clock, step: () => void) {
    this.#clock = clock
    this.#step = step
  }

  plan(): void {
    if (this.#isPlanned || this.#isStopped) return
    this.#isPlanned = true
    const restMs = this.#restUntilMs - this.#clock.monotonicMs()
    if (restMs > 0) setTimeout(() => this.#run(), restMs)
    else setImmediate(() => this.#run())
  }

  /** Plans a step for then, in place of what was planned so before. */
  planIn(ms: number | undefined): void {
    clearTimeout(this.#wake)
    if (ms !== undefined) this.#wake = setTimeout(() => this.plan(), Math.max(0, ms))
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#wake)
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
