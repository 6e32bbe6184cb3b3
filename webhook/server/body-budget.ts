/** One body that is being received. */
export interface BodyInFlight {
  /** So many more bytes have come. */
  add(bytes: number): void
  /** It has been received, or never will be. */
  close(): void
}

interface Body {
  address: string
  bytes: number
  refuse: () => void
}

/**
 * Bounds the bytes of all incomplete bodies together. When the limit is exceeded, the largest body of the address with
 * the most bytes is refused, even if it is the one that just grew, so small reviews are received whatever others send.
 */
export class BodyBudget {
  readonly #most: number
  readonly #bodies = new Set<Body>()
  #total = 0

  constructor(most: number) {
    this.#most = most
  }

  get total(): number {
    return this.#total
  }

  /** `refuse` is called at most once, and what was received is then to be forgotten. */
  open(address: string, refuse: () => void): BodyInFlight {
    const body: Body = { address, bytes: 0, refuse }
    this.#bodies.add(body)
    return {
      add: bytes => {
        if (!this.#bodies.has(body)) return
        body.bytes += bytes
        this.#total += bytes
        while (this.#total > this.#most) this.#refuseLargest()
      },
      close: () => this.#forget(body),
    }
  }

  #refuseLargest(): void {
    const byAddress = new Map<string, number>()
    for (const { address, bytes } of this.#bodies) byAddress.set(address, (byAddress.get(address) ?? 0) + bytes)
    let largest: Body | undefined
    for (const body of this.#bodies) {
      const lead = (byAddress.get(body.address) ?? 0) - (byAddress.get(largest?.address ?? '') ?? 0)
      if (!largest || lead > 0 || (lead === 0 && body.bytes > largest.bytes)) largest = body
    }
    if (!largest) throw new Error('bytes are counted that no body has')
    this.#forget(largest)
    largest.refuse()
  }

  #forget(body: Body): void {
    if (this.#bodies.delete(body)) this.#total -= body.bytes
  }
}
