/** Test support. A seeded source of randomness (mulberry32): the same seed gives the same run. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.int(0, list.length - 1)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }
}

interface Planned {
  atMs: number
  order: number
  act: () => void
}

/**
 * Test support. Virtual time: what is planned happens in order of time, then of planning. Promises that were settled by
 * then have been acted on before the next thing happens.
 */
export class Timeline {
  nowMs = 0
  #isStirred = false
  #order = 0
  readonly #heap: Planned[] = []

  after(delayMs: number, act: () => void): void {
    const planned = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, act }
    let at = this.#heap.length
    for (let up = (at - 1) >> 1; at > 0; up = (at - 1) >> 1) {
      const above = this.#heap[up]
      if (!above || !isBefore(planned, above)) break
      this.#heap[at] = above
      at = up
    }
    this.#heap[at] = planned
  }

  /** Runs all that is planned up to `untilMs`, or until `isOver` says so. */
  async run(untilMs: number, isOver: () => boolean): Promise<void> {
    // Between worlds everything else has its turn.
    await new Promise(resolve => setImmediate(resolve))
    for (let next = this.#heap[0]; next && next.atMs <= untilMs && !isOver(); next = this.#heap[0]) {
      this.#removeTop()
      this.nowMs = next.atMs
      next.act()
      if (!this.#isStirred) continue
      this.#isStirred = false
      // When all promises are through: a turn of the event loop would do, and takes far longer.
      await new Promise<void>(resolve => process.nextTick(resolve))
    }
  }

  /** To be called by whoever settles a promise, or calls what may. */
  stir(): void {
    this.#isStirred = true
  }

  #removeTop(): void {
    const last = this.#heap.pop()
    if (!last || this.#heap.length === 0) return
    let at = 0
    for (;;) {
      const [left, right] = [this.#heap[2 * at + 1], this.#heap[2 * at + 2]]
      const isRight = left !== undefined && right !== undefined && isBefore(right, left)
      const below = isRight ? right : left
      if (!below || !isBefore(below, last)) break
      this.#heap[at] = below
      at = 2 * at + (isRight ? 2 : 1)
    }
    this.#heap[at] = last
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
