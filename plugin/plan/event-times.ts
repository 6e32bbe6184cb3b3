/** What happens when, in virtual time: events of one time are taken out together, the earliest first. */
export class EventTimes<E> {
  readonly #events = new Map<number, E[]>()
  /** A binary heap of the keys. */
  readonly #heap: number[] = []

  /** At a time that something may change, with an event or with nothing but a look. */
  add(atMs: number, ...events: E[]): void {
    const there = this.#events.get(atMs)
    if (there) {
      there.push(...events)
      return
    }
    this.#events.set(atMs, events)
    this.#rise(atMs)
  }

  nextMs(): number | undefined {
    return this.#heap[0]
  }

  /** Of the earliest time. */
  takeNext(): E[] {
    const [first] = this.#heap
    if (first === undefined) return []
    const last = this.#heap.pop()
    if (this.#heap.length > 0 && last !== undefined) this.#sink(last)
    const events = this.#events.get(first) ?? []
    this.#events.delete(first)
    return events
  }

  #rise(atMs: number): void {
    let at = this.#heap.push(atMs) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const there = this.#heap[above] ?? 0
      if (there <= atMs) break
      this.#heap[at] = there
      at = above
    }
    this.#heap[at] = atMs
  }

  #sink(atMs: number): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      const least = (heap[right] ?? Number.POSITIVE_INFINITY) < (heap[left] ?? Number.POSITIVE_INFINITY) ? right : left
      const there = heap[least]
      if (there === undefined || there >= atMs) break
      heap[at] = there
      at = least
    }
    heap[at] = atMs
  }
}
