import type { Timers } from '../../core/timers.ts'
import type { Random, Timeline } from './timeline.ts'

/**
 * Test support. One life of a replica's process: what it plans happens in its own time, waits while it is paused
 * (SIGSTOP), and never happens once it was killed.
 */
export class SimProcess implements Timers {
  readonly #time: Timeline
  readonly #random: Random
  /** A loaded process comes to what it planned some time later. */
  readonly #restMs: number
  #isOver = false
  /** While it is paused: what waits to be done. */
  #held: (() => void)[] | undefined

  constructor(time: Timeline, random: Random) {
    this.#time = time
    this.#random = random
    this.#restMs = random.pick([30, 250])
  }

  get isOver(): boolean {
    return this.#isOver
  }

  kill(): void {
    this.#isOver = true
  }

  pause(): void {
    this.#held = []
  }

  /** What it was about to do, it does now, whatever has happened meanwhile. */
  wake(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const act of held) this.do(act)
  }

  /** Something that this process does, or that reaches it. */
  do(act: () => void): void {
    if (this.#isOver) return
    if (this.#held) {
      this.#held.push(act)
      return
    }
    this.#time.stir()
    act()
  }

  after(ms: number, act: () => void): () => void {
    let isOff = false
    this.#time.after(ms, () => !isOff && this.do(() => !isOff && act()))
    return () => {
      isOff = true
    }
  }

  every(ms: number, act: () => void): () => void {
    let callOff = (): void => undefined
    const again = (): void => {
      callOff = this.after(ms, () => {
        again()
        act()
      })
    }
    again()
    return () => callOff()
  }

  soon(act: () => void): void {
    this.after(this.#random.int(0, this.#restMs), act)
  }

  /** What the outside world answers to this process. `answer` is made when half of the time has passed. */
  call<T>(ms: number, answer: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const there = Math.floor(ms / 2)
      this.#time.after(there, () => {
        if (this.#isOver) return
        this.#time.stir()
        new Promise<T>(resolveAnswer => resolveAnswer(answer())).then(
          value => void this.after(ms - there, () => resolve(value)),
          error => void this.after(ms - there, () => reject(error)),
        )
      })
    })
  }
}
