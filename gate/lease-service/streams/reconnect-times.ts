/**
 * Gates and agents that come back in one second. With its TLS session each costs about 1 ms of this process, so that
 * those who only ask whether it is their turn take 0.4 cores at most. Lines that go faster than this are served from
 * those who stay.
 */
export const RECONNECTS_PER_SECOND = 400

export interface ReconnectTime {
  nowMs: number
  /** In [0, 1). */
  random: () => number
}

/**
 * Says when those come back who have no place here: in the first second from the least absence on in which not as many
 * come already as can be served. So absences are as long as it takes to serve all who are away once.
 */
export class ReconnectTimes {
  /** Who comes in each second, for a key one at a time. */
  readonly #keysOf = new Map<number, Set<string>>()
  readonly #secondOf = new Map<string, number>()
  #oldest = 0

  /** From now, at least `leastMs`. Who is told again gives up what it was told before. */
  afterMs(key: string, leastMs: number, { nowMs, random }: ReconnectTime): number {
    this.#forgetBefore(Math.floor(nowMs / 1_000))
    this.#forget(key)
    let second = Math.ceil((nowMs + leastMs) / 1_000)
    while ((this.#keysOf.get(second)?.size ?? 0) >= RECONNECTS_PER_SECOND) second++
    this.#keysOf.set(second, (this.#keysOf.get(second) ?? new Set()).add(key))
    this.#secondOf.set(key, second)
    return Math.round((second + random()) * 1_000 - nowMs)
  }

  get size(): number {
    return this.#secondOf.size
  }

  #forget(key: string): void {
    this.#keysOf.get(this.#secondOf.get(key) ?? -1)?.delete(key)
    this.#secondOf.delete(key)
  }

  #forgetBefore(second: number): void {
    if (this.#keysOf.size === 0) this.#oldest = second
    for (; this.#oldest < second; this.#oldest++) {
      for (const key of this.#keysOf.get(this.#oldest) ?? []) this.#secondOf.delete(key)
      this.#keysOf.delete(this.#oldest)
    }
  }
}
