import type { Clock } from '../../../core/clock.ts'
import type { State } from '../../../core/state-api.ts'
import type { StateFacts } from '../state/facts.ts'
import { narrowed } from '../state/narrowed.ts'
import type { ParsedQuery } from '../state/query.ts'
import { type Snapshot, snapshot } from '../state/snapshot.ts'

export interface StateFeedDeps {
  /** What the leader knows now; undefined where this replica does not lead. */
  facts: (now: StateFacts['now']) => StateFacts | undefined
  version: string
  /** Name of this replica's pod. */
  pod: string
  clock: Clock
}

/** A snapshot is good for this long, however many ask. */
const GOOD_FOR_MS = 1_000
/** And for this many times as long as it took to make: readers may cost the leader a twentieth of its time. */
export const REST = 20
/** What answers that differ may take to make of one snapshot; who asks the same gets the same bytes. */
const MOST_SPENT_MS = 250
/** The clock has whole ms, and what is kept must be bounded. */
const LEAST_SPENT_MS = 1
/** How far the clocks may drift apart before waits are told by the wall clock of now. */
const MOST_DRIFT_MS = 1_000

/** Makes snapshots when somebody reads, seldom, and what each kind of reader is told of them once. */
export class StateFeed {
  readonly #deps: StateFeedDeps
  #latest: { snap: Snapshot; goodUntilMs: number } | undefined
  #offsetMs = Number.NEGATIVE_INFINITY
  readonly #answers = new Map<string, Buffer>()
  /** Making those took so long. */
  #spentMs = 0

  constructor(deps: StateFeedDeps) {
    this.#deps = deps
  }

  /** The latest that is good still, or a new one; undefined where this replica does not lead. */
  snapshot(): Snapshot | undefined {
    const { clock, facts } = this.#deps
    const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() }
    const known = facts(now)
    if (!known) {
      this.#latest = undefined
      return undefined
    }
    if (this.#latest && now.monotonicMs < this.#latest.goodUntilMs && this.#latest.snap.leader.term === known.term)
      return this.#latest.snap
    const snap = snapshot(known, this.#offset(now), this.#latest?.snap)
    const tookMs = clock.monotonicMs() - now.monotonicMs
    this.#latest = { snap, goodUntilMs: now.monotonicMs + Math.max(GOOD_FOR_MS, REST * tookMs) }
    this.#answers.clear()
    this.#spentMs = 0
    return snap
  }

  stateOf(snap: Snapshot, query: ParsedQuery): State {
    return narrowed(snap, query, this.#deps)
  }

  /** The whole answer as JSON; `NotLeading` where another replica leads, `Busy` when too much was asked just now. */
  answer(query: ParsedQuery): Buffer | 'NotLeading' | 'Busy' {
    const snap = this.snapshot()
    if (!snap) return 'NotLeading'
    const key = JSON.stringify(query)
    const known = this.#answers.get(key)
    if (known) return known
    if (this.#spentMs > MOST_SPENT_MS) return 'Busy'
    const startMs = this.#deps.clock.monotonicMs()
    const bytes = Buffer.from(JSON.stringify(this.stateOf(snap, query)))
    this.#spentMs += Math.max(LEAST_SPENT_MS, this.#deps.clock.monotonicMs() - startMs)
    this.#answers.set(key, bytes)
    return bytes
  }

  /** Stays as it is, or every row would change with each correction of the wall clock. */
  #offset({ monotonicMs, wallMs }: StateFacts['now']): number {
    const offsetMs = wallMs - monotonicMs
    if (Math.abs(offsetMs - this.#offsetMs) > MOST_DRIFT_MS) this.#offsetMs = offsetMs
    return this.#offsetMs
  }
}
