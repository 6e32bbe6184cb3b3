/** A failed write is tried again after a second, and an API server that hangs answers none for some. */
const OLD_NEWS_MS = 20_000

/** Whether Leases can be stored at all. Times are monotonic ms. */
export class StoreTrouble {
  /** The first key that could not be stored for no fault of its own since one could. */
  #suspect: string | undefined
  #isDown = false
  /** The first and the last try since which nothing could be stored that was to be. */
  #failing: { sinceMs: number; lastMs: number } | undefined

  /** More than one could not be stored: the API server has trouble, not one Lease. */
  get isDown(): boolean {
    return this.#isDown
  }

  /** A batch was tried. `failed`: keys that could not be stored for no fault of their own. */
  note(stored: number, failed: readonly string[], nowMs: number): void {
    if (stored > 0) {
      this.#failing = undefined
      this.#suspect = undefined
      this.#isDown = false
    } else if (failed.length > 0) {
      this.#failing = { sinceMs: nowMs - this.failingForMs(nowMs), lastMs: nowMs }
      this.#suspect ??= failed[0]
      this.#isDown ||= failed.some(key => key !== this.#suspect)
    }
  }

  /**
   * For how long nothing could be stored that was to be; 0 when the last try went well, or is so long ago that it tells
   * nothing.
   */
  failingForMs(nowMs: number): number {
    if (!this.#failing || nowMs - this.#failing.lastMs > OLD_NEWS_MS) return 0
    return nowMs - this.#failing.sinceMs
  }
}
