import type { Clock } from '../../../core/clock.ts'
import type { Timers } from '../../../core/timers.ts'

export interface StepSchedulerDeps {
  clock: Clock
  timers: Timers
  /** For how long this process's event loop has had nothing to do so far, in ms. Absent: it is never short of time. */
  loopIdleMs?: () => number
}

/** What happens in it is decided on together, so that a line which moves all the time leaves others half a core. */
const REST_PER_STEP = 1
/** Steps that are longer take more of a core than that, as whoever may go must not wait for it. */
const LONGEST_REST_MS = 100
/**
 * As long as requests have kept the event loop busy for the whole of a rest, there is another: while a herd connects,
 * steps of 80 ms and less take a quarter of the time and handshakes have the rest.
 */
const MOST_RESTS = 3
const LONGEST_RESTS_MS = 250
/** Idle for less may be no more than the wait for a timer. */
const IDLE_MS = 1

/** When steps run: all that happens in one turn of the event loop, or while a long step's rest lasts, is one step's. */
export class StepScheduler {
  readonly #deps: StepSchedulerDeps
  readonly #step: () => void
  #isPlanned = false
  #isStopped = false
  #last = { endMs: Number.NEGATIVE_INFINITY, tookMs: 0, idleMs: 0 }
  #callOffWake: (() => void) | undefined

  constructor(deps: StepSchedulerDeps, step: () => void) {
    this.#deps = deps
    this.#step = step
  }

  plan(): void {
    if (this.#isPlanned || this.#isStopped) return
    this.#isPlanned = true
    const restMs = this.#restMs()
    if (restMs > 0) this.#rest(restMs)
    else this.#deps.timers.soon(() => this.#run())
  }

  /** Plans a step for then, in place of what was planned so before. */
  planIn(ms: number | undefined): void {
    this.#callOffWake?.()
    this.#callOffWake = ms === undefined ? undefined : this.#deps.timers.after(Math.max(0, ms), () => this.plan())
  }

  stop(): void {
    this.#isStopped = true
    this.#callOffWake?.()
  }

  #rest(ms: number): void {
    this.#deps.timers.after(ms, () => {
      const moreMs = this.#restMs()
      if (moreMs > 0 && !this.#isStopped) this.#rest(moreMs)
      else this.#run()
    })
  }

  /** How long the rest after the last step still lasts, as far as can be told now. */
  #restMs(): number {
    const { clock, loopIdleMs } = this.#deps
    const { endMs, tookMs, idleMs } = this.#last
    const sinceMs = clock.monotonicMs() - endMs
    const restMs = Math.min(LONGEST_REST_MS, REST_PER_STEP * tookMs)
    if (sinceMs < restMs) return restMs - sinceMs
    if (!loopIdleMs || loopIdleMs() - idleMs >= IDLE_MS) return 0
    return Math.min(restMs, Math.min(LONGEST_RESTS_MS, MOST_RESTS * tookMs) - sinceMs)
  }

  #run(): void {
    this.#isPlanned = false
    if (this.#isStopped) return
    const { clock, loopIdleMs } = this.#deps
    const beginMs = clock.monotonicMs()
    this.#step()
    const endMs = clock.monotonicMs()
    this.#last = { endMs, tookMs: endMs - beginMs, idleMs: loopIdleMs?.() ?? 0 }
  }
}
