import { inParallel } from '../../../core/concurrency.ts'
import type { Logger } from '../../../core/log.ts'
import type { Timers } from '../../../core/timers.ts'
import type { Grant } from '../model/grant.ts'
import { LeaseRemovals, type Removal } from './lease-removals.ts'
import { type LeaseStore, putAsLeader, type Version } from './lease-store.ts'
import { type StoreFailure, storeFailureOf } from './store-failure.ts'
import { StoreTrouble } from './store-trouble.ts'
import { readTerm } from './term-read.ts'

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

interface Batch {
  grants: Grant[]
  removals: Removal[]
}

/** Of one batch; with both batches' and the removals' they leave some of the client's 64 connections to others. */
const CONCURRENT_WRITES = 16
/** Batches at a time: one Lease that is slow to be written holds up its own batch, and not all that come after. */
const BATCHES_AT_ONCE = 2
/** A grant is answered when all of its batch are written, so a batch is small. */
const MOST_PER_BATCH = 64
const RETRY_MS = 1_000

/**
 * Makes grants durable before they are answered, and takes them away again. Works in batches: all of one batch share a
 * single quorum read, and so do the removals that had gathered when it began, which are carried out afterwards.
 *
 * Order is the point: create, then confirm the term, then answer. A create cannot be conditional on a term, but a
 * leader that has lost its term finds out before it answers, and what it wrote is then nobody's grant. It deletes
 * nothing else either: the next leader counts by what is stored, also what this one believes to have ended.
 */
export class GrantWriter {
  readonly #deps: GrantWriterDeps
  readonly #versions = new Map<string, { version: Version; term: number }>()
  readonly #toWrite = new Map<string, Grant>()
  readonly #removals: LeaseRemovals
  /** Of batches under way: a key is in one batch at a time. */
  readonly #inFlight = new Set<string>()
  readonly #releasedInFlight = new Set<string>()
  readonly #trouble = new StoreTrouble()
  #running = 0
  #isPaused = false
  #stopped = false

  constructor(deps: GrantWriterDeps) {
    this.#deps = deps
    this.#removals = new LeaseRemovals({
      ...deps,
      retryMs: deps.retryMs ?? RETRY_MS,
      isStopped: () => this.#stopped,
      onChange: () => this.#kick(),
    })
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
    this.#removals.add(key, known.version)
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

  /** Of the objects that are stored as far as this process knows, by key. */
  durableUids(): Map<string, string> {
    return new Map(this.#versions.entries().map(([key, { version }]) => [key, version.uid]))
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
    if (this.#running >= BATCHES_AT_ONCE || this.#stopped || this.#isPaused) return
    if (this.#toWrite.size === 0 && !this.#removals.isDue) return
    this.#running += 1
    void this.#run()
  }

  async #run(): Promise<void> {
    try {
      // What is submitted in the same turn belongs to the same batch.
      await Promise.resolve()
      for (let batch = this.#nextBatch(); batch; batch = this.#nextBatch()) await this.#carryOut(batch)
    } finally {
      // In the same turn as the last look: what is submitted afterwards finds room for a run of its own.
      this.#running -= 1
    }
  }

  #nextBatch(): Batch | undefined {
    if (this.#stopped || this.#isPaused) return undefined
    const removals = this.#removals.take(key => this.#inFlight.has(key))
    const grants = this.#takeGrants()
    return grants.length + removals.length > 0 ? { grants, removals } : undefined
  }

  async #carryOut({ grants, removals }: Batch): Promise<void> {
    const written = await this.#writeAll(grants)
    const term = await readTerm(this.#deps)
    if (term === 'lost') {
      await this.#takeBack(written)
      return
    }
    this.#answer(written, term)
    if (term === 'ours') void this.#removals.carryOut(removals)
    else this.#removals.giveBack(removals)
    if (this.#trouble.isDown || term !== 'ours') this.#pause()
  }

  /** Those of the next batch: what is being written or deleted under the same key has to end before. */
  #takeGrants(): Grant[] {
    const grants: Grant[] = []
    for (const [key, grant] of this.#toWrite) {
      if (this.#inFlight.has(key) || this.#removals.isUnderWay(key)) continue
      this.#toWrite.delete(key)
      this.#inFlight.add(key)
      grants.push(grant)
      if (grants.length === MOST_PER_BATCH) break
    }
    return grants
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

  /** The term is over. Precise preconditions: a grant that the next leader has made its own stays. */
  async #takeBack(written: Grant[]): Promise<void> {
    this.stop()
    await inParallel(CONCURRENT_WRITES, written, async ({ key }) => {
      const known = this.#versions.get(key)
      if (known) await this.#removals.remove(key, known.version)
    })
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
      const version = await putAsLeader(this.#deps, grant, known?.version)
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

  #answer(written: Grant[], term: 'ours' | 'unknown'): void {
    for (const grant of written) {
      this.#inFlight.delete(grant.key)
      if (this.#releasedInFlight.delete(grant.key)) this.#discard(grant.key)
      else if (term === 'unknown') this.#toWrite.set(grant.key, grant)
      else if (!this.#stopped) this.#deps.onDurable(grant)
    }
  }

  /** Whatever the batch under way beside comes to, no other begins meanwhile. */
  #pause(): void {
    this.#isPaused = true
    this.#deps.timers.after(this.#deps.retryMs ?? RETRY_MS, () => {
      this.#isPaused = false
      this.#kick()
    })
  }
}
