import { inParallel } from '../../../core/concurrency.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import type { Timers } from '../../../core/timers.ts'
import type { Grant } from '../model/grant.ts'
import { type LeaseStore, StaleTermError, type Version } from './lease-store.ts'
import { type StoreFailure, storeFailureOf } from './store-failure.ts'
import { StoreTrouble } from './store-trouble.ts'

export interface GrantWriterDeps {
  store: LeaseStore
  /** By a quorum read: is the election Lease still ours, in this term? */
  confirmTerm: () => Promise<boolean>
  /** The grant is durable and the term was still ours after that: it may be answered. */
  onDurable: (grant: Grant) => void
  /** It could not be made durable; its slots must come back. Whoever asks for it again does so after a while. */
  onFailed: (grant: Grant, failure: StoreFailure) => void
  onTermLost: (reason: string) => void
  monotonicMs: () => number
  timers: Pick<Timers, 'after'>
  log: Logger
  retryMs?: number
}

/** What a quorum read of the election Lease says; `unknown` when it has no answer. */
type Term = 'ours' | 'lost' | 'unknown'

const CONCURRENT_WRITES = 16
const RETRY_MS = 1_000

/**
 * Makes grants durable before they are answered, and takes them away again. Works in batches: all that gathers while
 * one batch is being written shares the next one's single quorum read.
 *
 * Order is the point: create, then confirm the term, then answer. A create cannot be conditional on a term, but a
 * leader that has lost its term finds out before it answers, and what it wrote is then nobody's grant. It deletes
 * nothing else either: the next leader counts by what is stored, also what this one believes to have ended.
 */
export class GrantWriter {
  readonly #deps: GrantWriterDeps
  readonly #versions = new Map<string, { version: Version; term: number }>()
  #toWrite = new Map<string, Grant>()
  #toRemove = new Map<string, Version>()
  readonly #inFlight = new Set<string>()
  readonly #releasedInFlight = new Set<string>()
  readonly #trouble = new StoreTrouble()
  #running = false
  #stopped = false

  constructor(deps: GrantWriterDeps) {
    this.#deps = deps
  }

  /** Takes note of a grant that a former leader (or this one) has stored. */
  adopt(grant: Grant, version: Version): void {
    this.#versions.set(grant.key, { version, term: grant.term })
  }

  /** Asks for `grant` to be made durable under its term, if it is not yet, and then to be answered. */
  submit(grant: Grant): void {
    // One that waits to be written is the same grant, with its stamp.
    if (this.#toWrite.get(grant.key)?.term !== grant.term) this.#toWrite.set(grant.key, grant)
    this.#kick()
  }

  /** The grant has ended: its object goes. */
  release(key: string): void {
    this.#toWrite.delete(key)
    if (this.#inFlight.has(key)) this.#releasedInFlight.add(key)
    this.#discard(key)
  }

  /** Removes what is stored; a new grant of the same key that waits to be written stays. */
  #discard(key: string): void {
    const known = this.#versions.get(key)
    if (!known) return
    this.#versions.delete(key)
    this.#toRemove.set(key, known.version)
    this.#kick()
  }

  /** Whether the grant is stored as far as this process knows, or is being stored. */
  knows(key: string): boolean {
    return this.#versions.has(key) || this.#inFlight.has(key) || this.#toWrite.has(key)
  }

  /**
   * For how long nothing could be stored that was to be; 0 when the last try went well, or is so long ago that it tells
   * nothing.
   */
  failingForMs(): number {
    return this.#trouble.failingForMs(this.#deps.monotonicMs())
  }

  durableKeys(): Set<string> {
    return new Set(this.#versions.keys())
  }

  /** The object is gone: somebody else removed it. */
  forget(key: string): void {
    this.#versions.delete(key)
  }

  /** No more writes and no more answers: the term is over. */
  stop(): void {
    this.#stopped = true
  }

  #kick(): void {
    if (this.#running || this.#stopped) return
    this.#running = true
    void this.#run().finally(() => {
      this.#running = false
      if (this.#toWrite.size + this.#toRemove.size > 0) this.#kick()
    })
  }

  async #run(): Promise<void> {
    // What is submitted in the same turn belongs to the same batch.
    await Promise.resolve()
    while (!this.#stopped && this.#toWrite.size + this.#toRemove.size > 0) {
      const grants = [...this.#toWrite.values()]
      const removals = [...this.#toRemove]
      this.#toWrite = new Map()
      this.#toRemove = new Map()
      for (const { key } of grants) this.#inFlight.add(key)
      const written = await this.#writeAll(grants)
      const term = await this.#confirm()
      if (term === 'lost') {
        await this.#takeBack(written)
        return
      }
      this.#answer(written, term)
      if (term === 'ours') await this.#remove(removals)
      else for (const [key, version] of removals) this.#removeLater(key, version)
      if (this.#trouble.isDown || term !== 'ours') await this.#pause()
    }
  }

  /** Resolves with what is stored; the rest was given up. */
  async #writeAll(grants: Grant[]): Promise<Grant[]> {
    const written: Grant[] = []
    const failed: { grant: Grant; failure: StoreFailure }[] = []
    await inParallel(CONCURRENT_WRITES, grants, async grant => {
      const failure = await this.#write(grant)
      if (failure) failed.push({ grant, failure })
      else written.push(grant)
    })
    const troubled = failed.filter(({ failure }) => failure.kind === 'unavailable')
    const keys = troubled.map(({ grant }) => grant.key)
    this.#trouble.note(written.length, keys, this.#deps.monotonicMs())
    for (const { grant, failure } of failed) this.#giveUp(grant, failure)
    return written
  }

  async #confirm(): Promise<Term> {
    try {
      return (await this.#deps.confirmTerm()) ? 'ours' : 'lost'
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, 'cannot read the election Lease; nothing is answered')
      return 'unknown'
    }
  }

  /** The term is over. Precise preconditions: a grant that the next leader has made its own stays. */
  async #takeBack(written: Grant[]): Promise<void> {
    const versions = written.flatMap(({ key }): [string, Version][] => {
      const known = this.#versions.get(key)
      return known ? [[key, known.version]] : []
    })
    this.stop()
    await this.#remove(versions)
    this.#deps.onTermLost('the election Lease is no longer ours')
  }

  /** Said before the pause that follows a failure: after it the key may stand for another grant. */
  #giveUp(grant: Grant, failure: StoreFailure): void {
    const { key } = grant
    this.#inFlight.delete(key)
    // What was submitted since it was released is another grant.
    if (this.#releasedInFlight.delete(key)) return
    // Its gate may have asked again meanwhile, and is not to be answered with slots that are gone.
    this.#toWrite.delete(key)
    if (!this.#stopped) this.#deps.onFailed(grant, failure)
  }

  /** Resolves with why it failed, if it did. */
  async #write(grant: Grant): Promise<StoreFailure | undefined> {
    const known = this.#versions.get(grant.key)
    if (known?.term === grant.term) return undefined
    try {
      const version = await this.#put(grant, known?.version)
      this.#versions.set(grant.key, { version, term: grant.term })
      return undefined
    } catch (error) {
      // What is stored now is not known: the next try reads before it writes.
      this.#versions.delete(grant.key)
      const failure = storeFailureOf(error)
      this.#deps.log.warn({ lease: grant.key, error: failure.reason }, 'cannot store a grant; not answered')
      return failure
    }
  }

  /**
   * Only who leads knows whether an object of another term is merely old: terms start over when somebody deletes the
   * election Lease.
   */
  async #put(grant: Grant, known: Version | undefined): Promise<Version> {
    try {
      return await this.#deps.store.put(grant, known)
    } catch (error) {
      if (!(error instanceof StaleTermError) || !(await this.#deps.confirmTerm())) throw error
      return this.#deps.store.put(grant, error.version)
    }
  }

  #answer(written: Grant[], term: 'ours' | 'unknown'): void {
    for (const grant of written) {
      this.#inFlight.delete(grant.key)
      if (this.#releasedInFlight.delete(grant.key)) this.#discard(grant.key)
      else if (term === 'unknown') this.#toWrite.set(grant.key, grant)
      else if (!this.#stopped) this.#deps.onDurable(grant)
    }
  }

  /** What cannot be removed now is tried again later, and holds nothing else up. */
  async #remove(removals: [string, Version][]): Promise<void> {
    await inParallel(CONCURRENT_WRITES, removals, async ([key, version]) => {
      try {
        await this.#deps.store.remove(key, version)
      } catch (error) {
        this.#deps.log.warn({ lease: key, error: messageOf(error) }, 'cannot delete the Lease of an ended grant yet')
        this.#deps.timers.after(this.#deps.retryMs ?? RETRY_MS, () => {
          this.#removeLater(key, version)
          this.#kick()
        })
      }
    })
  }

  /** Unless another version has been discarded meanwhile: that is the one that is there. */
  #removeLater(key: string, version: Version): void {
    if (!this.#toRemove.has(key)) this.#toRemove.set(key, version)
  }

  #pause(): Promise<void> {
    return new Promise(resolve => this.#deps.timers.after(this.#deps.retryMs ?? RETRY_MS, resolve))
  }
}
