/** Values that are good for a time each. Of too many those go that were used longest ago. */
export class ExpiringCache<T> {
  readonly #most: number
  readonly #monotonicMs: () => number
  /** A Map keeps insertion order: the first was used longest ago. */
  readonly #entries = new Map<string, { value: T; untilMs: number }>()

  constructor(most: number, monotonicMs: () => number) {
    this.#most = most
    this.#monotonicMs = monotonicMs
  }

  get(key: string): T | undefined {
    const found = this.#entries.get(key)
    if (!found) return undefined
    this.#entries.delete(key)
    if (found.untilMs <= this.#monotonicMs()) return undefined
    this.#entries.set(key, found)
    return found.value
  }

  set(key: string, value: T, forMs: number): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, untilMs: this.#monotonicMs() + forMs })
    const oldest = this.#entries.keys().next()
    if (this.#entries.size > this.#most && !oldest.done) this.#entries.delete(oldest.value)
  }
}
