import type { Grant } from '../lease-service/model/grant.ts'
import type { SimLeases } from './leases.ts'
import type { Situations } from './situations.ts'
import type { Random } from './timeline.ts'

export interface SimWriterDeps {
  random: Random
  situations: Situations
  leases: SimLeases
  /** As long as the process lives, and not while it is paused. */
  later: (fromMs: number, toMs: number, act: () => void) => void
  /** A quorum read of the election Lease. */
  isOurs: () => boolean
  onDurable: (grant: Grant) => void
  onFailed: (grant: Grant) => void
  onTermLost: () => void
}

/** Test support. A model of the grant writer: create, then confirm the term, then answer; any step may be slow, fail, or end unknown. */
export class SimWriter {
  readonly #deps: SimWriterDeps
  readonly #writing = new Map<string, Grant>()
  readonly #inFlight = new Set<string>()
  /** What is stored as far as this process knows. */
  readonly #known = new Map<string, Grant>()

  constructor(deps: SimWriterDeps) {
    this.#deps = deps
  }

  adopt(grant: Grant): void {
    this.#known.set(grant.key, grant)
  }

  knows(key: string): boolean {
    return this.#writing.has(key) || this.#known.has(key)
  }

  /** What is stored no more although this process knows it; it knows it no longer. */
  forgetDeleted(): string[] {
    const gone = [...this.#known.keys()].filter(key => !this.#deps.leases.byKey.has(key) && !this.#inFlight.has(key))
    for (const key of gone) this.#known.delete(key)
    return gone
  }

  submit(grant: Grant): void {
    const { key, term } = grant
    if (this.#writing.has(key)) return
    const known = this.#known.get(key)
    this.#writing.set(key, known?.term === term ? known : grant)
    if (!this.#inFlight.has(key)) this.#begin(key)
  }

  /** The grant has ended: its Lease goes. */
  release(key: string): void {
    this.#writing.delete(key)
    this.#discard(key)
  }

  /** What was being written was written, or not; returns what was not. */
  crash(): string[] {
    const { leases, random, situations, isOurs } = this.#deps
    return [...this.#writing].flatMap(([key, grant]) => {
      if (leases.byKey.get(key) === grant) return []
      if (leases.isDown || random.chance(0.5)) return [key]
      situations.note('a write outlived its leader')
      return leases.put(grant, isOurs) ? [] : [key]
    })
  }

  /** One write of a Lease at a time. */
  #begin(key: string): void {
    const { later, random } = this.#deps
    const grant = this.#writing.get(key)
    this.#inFlight.delete(key)
    if (!grant) return
    this.#inFlight.add(key)
    if (this.#known.get(key) === grant) later(1, 50, () => this.#confirm(grant))
    else later(5, random.chance(0.1) ? 5_000 : 100, () => this.#write(grant))
  }

  #write(grant: Grant): void {
    const { random, situations, leases, later, isOurs } = this.#deps
    const isUnknown = leases.isDown || random.chance(0.07)
    if (isUnknown) {
      situations.note('the outcome of a write was unknown')
      leases.putBlindly(grant)
      later(leases.isDown ? 1_000 : 0, 5_000, () => this.#giveUp(grant))
    } else if (random.chance(0.05) || !leases.put(grant, isOurs)) {
      situations.note('a write failed')
      this.#giveUp(grant)
    } else {
      this.#known.set(grant.key, grant)
      later(1, 50, () => this.#confirm(grant))
    }
  }

  #giveUp(grant: Grant): void {
    const { key } = grant
    this.#known.delete(key)
    if (this.#writing.get(key) === grant) {
      this.#writing.delete(key)
      this.#deps.onFailed(grant)
    }
    this.#begin(key)
  }

  #confirm(grant: Grant): void {
    const { leases, later, isOurs, situations, onDurable, onTermLost } = this.#deps
    const { key } = grant
    if (leases.isDown) later(1_000, 2_000, () => this.#confirm(grant))
    else if (!isOurs()) {
      situations.note('a woken leader found its term lost')
      leases.remove(grant)
      onTermLost()
    } else {
      if (this.#writing.get(key) !== grant) this.#discard(key)
      else if (this.#writing.delete(key)) onDurable(grant)
      this.#begin(key)
    }
  }

  #discard(key: string): void {
    const known = this.#known.get(key)
    this.#known.delete(key)
    if (known) this.#deps.later(5, 100, () => this.#remove(known))
  }

  #remove(stored: Grant): void {
    const { leases, later, isOurs, onTermLost } = this.#deps
    if (leases.isDown) later(1_000, 2_000, () => this.#remove(stored))
    else if (isOurs()) leases.remove(stored)
    else onTermLost()
  }
}
