import { limitConcurrency } from '../../../core/concurrency.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import type { Timers } from '../../../core/timers.ts'
import type { LeaseStore, Version } from './lease-store.ts'

export interface LeaseRemovalsDeps {
  store: Pick<LeaseStore, 'remove'>
  /** Another one may be taken, or a key's next grant be written. */
  onChange: () => void
  /** The term is over: the next leader counts what is left. */
  isStopped: () => boolean
  timers: Pick<Timers, 'after'>
  log: Logger
  retryMs: number
}

export type Removal = readonly [key: string, version: Version]

const CONCURRENT_REMOVALS = 16

/**
 * Leases of grants that have ended, to be deleted once the term is confirmed. No grant waits for that, but for the next
 * one of the same key: deleting and writing one object at the same time would fail one of them.
 */
export class LeaseRemovals {
  readonly #deps: LeaseRemovalsDeps
  #toRemove = new Map<string, Version>()
  readonly #underWay = new Set<string>()
  readonly #fewAtOnce = limitConcurrency(CONCURRENT_REMOVALS)

  constructor(deps: LeaseRemovalsDeps) {
    this.#deps = deps
  }

  /** Whether any is to be taken. */
  get isDue(): boolean {
    return this.#toRemove.size > 0
  }

  /** In place of an older version of the same key. */
  add(key: string, version: Version): void {
    this.#toRemove.set(key, version)
  }

  isUnderWay(key: string): boolean {
    return this.#underWay.has(key)
  }

  /** All that are due, to be carried out or given back; what is being deleted or written, when that has ended. */
  take(isBeingWritten: (key: string) => boolean): Removal[] {
    const taken = [...this.#toRemove].filter(([key]) => !this.#underWay.has(key) && !isBeingWritten(key))
    for (const [key] of taken) {
      this.#toRemove.delete(key)
      this.#underWay.add(key)
    }
    return taken
  }

  giveBack(removals: readonly Removal[]): void {
    for (const [key, version] of removals) {
      this.#underWay.delete(key)
      this.#later(key, version)
    }
  }

  /** To be called when the term was still ours after they were taken. Never rejects. */
  async carryOut(removals: readonly Removal[]): Promise<void> {
    await Promise.all(removals.map(removal => this.#fewAtOnce(() => this.#removeUnlessStopped(removal))))
  }

  async #removeUnlessStopped([key, version]: Removal): Promise<void> {
    if (!this.#deps.isStopped()) await this.remove(key, version)
    this.#underWay.delete(key)
    this.#deps.onChange()
  }

  /** What cannot be removed now is tried again later, and holds nothing else up. Never rejects. */
  async remove(key: string, version: Version): Promise<void> {
    const { store, timers, log, retryMs, onChange } = this.#deps
    try {
      await store.remove(key, version)
    } catch (error) {
      log.warn({ lease: key, error: messageOf(error) }, 'cannot delete the Lease of an ended grant yet')
      timers.after(retryMs, () => {
        this.#later(key, version)
        onChange()
      })
    }
  }

  /** Unless another version has been discarded meanwhile: that is the one that is there. */
  #later(key: string, version: Version): void {
    if (!this.#toRemove.has(key)) this.#toRemove.set(key, version)
  }
}
