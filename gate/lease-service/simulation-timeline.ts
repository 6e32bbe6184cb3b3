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

/** Test support. Virtual time: what is planned happens in order of time, then of planning. */
export class Timeline {
  nowMs = 0
  #order = 0
  readonly #heap: Planned[] = []

  after(delayMs: number, act: () => void): void {
    this.#heap.push({ atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, act })
    for (let at = this.#heap.length - 1; at > 0; ) {
      const up = (at - 1) >> 1
      if (!this.#isBefore(at, up)) return
      this.#swap(at, up)
      at = up
    }
  }

  /** Runs all that is planned up to `untilMs`, or until `isOver` says so. */
  run(untilMs: number, isOver: () => boolean): void {
    for (let next = this.#heap[0]; next && next.atMs <= untilMs && !isOver(); next = this.#heap[0]) {
      this.#removeTop()
      this.nowMs = next.atMs
      next.act()
    }
  }

  #removeTop(): void {
    const last = this.#heap.pop()
    if (!last || this.#heap.length === 0) return
    this.#heap[0] = last
    for (let at = 0; ; ) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#isBefore(child, least)) least = child
      }
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]]
    return a !== undefined && b !== undefined && (a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order))
  }

  #swap(i: number, j: number): void {
    const [a, b] = [this.#heap[i], this.#heap[j]]
    if (!a || !b) return
    this.#heap[i] = b
    this.#heap[j] = a
  }
}
