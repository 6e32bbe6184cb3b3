import type { Clock } from '../../../core/clock.ts'
import type { State } from '../../../core/state-api.ts'
import type { StateFacts } from '../state/facts.ts'
import { narrowed } from '../state/narrowed.ts'
import type { ParsedQuery } from '../state/query.ts'
import { type Snapshot, snapshot } from '../state/snapshot.ts'
import { AnswerBudget } from './answer-budget.ts'

export interface StateFeedDeps {
  /** What the leader knows now; undefined where this replica does not lead. */
  facts: (now: StateFacts['now']) => StateFacts | undefined
  version: string
  /** Name of this replica's pod. */
  pod: string
  clock: Clock
  /** CPU time of this thread so far: on a busy machine an hour may pass in which it costs nothing. */
  cpuMs: () => number
}

/** What is told to all who ask the same. */
export interface Answer {
  state: State
  /** `state` as JSON. */
  bytes: Buffer
}

interface Latest {
  snap: Snapshot
  /** Monotonic. */
  madeAtMs: number
  /** CPU time that it took to make, and that all that was told of it has taken since. */
  spentMs: number
  /** By query; as JSON only where somebody has asked for that. */
  told: Map<string, { state: State; bytes?: Buffer }>
  budget: AnswerBudget
}

/** A snapshot is good for this long, however many ask. */
const GOOD_FOR_MS = 1_000
/** And for this many times the CPU time spent on it: readers may cost the leader a twentieth of its own. */
const REST = 20
/** What answers that differ may take to make of one snapshot; who asks the same gets the same bytes. */
const MOST_SPENT_MS = 250
/** How far the clocks may drift apart before waits are told by the wall clock of now. */
const MOST_DRIFT_MS = 1_000

/** Makes snapshots when somebody reads, seldom, and what each kind of reader is told of them once. */
export class StateFeed {
  readonly #deps: StateFeedDeps
  #latest: Latest | undefined
  #offsetMs = Number.NEGATIVE_INFINITY

  constructor(deps: StateFeedDeps) {
    this.#deps = deps
  }

  /** The latest that is good still, or a new one; undefined where this replica does not lead. */
  snapshot(): Snapshot | undefined {
    return this.#fresh()?.snap
  }

  /** What the latest snapshot tells whoever asks this, however old that is. To be called within `measured`. */
  state(query: ParsedQuery): State | undefined {
    return this.#latest && this.#stateOf(this.#latest, query)
  }

  /** The whole answer; `NotLeading` where another replica leads, `Busy` when too much was asked just now. */
  answer(query: ParsedQuery, reader: string): Answer | 'NotLeading' | 'Busy' {
    const latest = this.#fresh()
    if (!latest) return 'NotLeading'
    const key = JSON.stringify(query)
    const { state: known, bytes: kept } = latest.told.get(key) ?? {}
    if (known && kept) return { state: known, bytes: kept }
    if (!latest.budget.isLeftFor(reader)) return 'Busy'
    const beforeMs = latest.spentMs
    const answer = this.measured(() => {
      const state = this.#stateOf(latest, query)
      return { state, bytes: Buffer.from(JSON.stringify(state)) }
    })
    latest.budget.spend(reader, latest.spentMs - beforeMs)
    latest.told.set(key, answer)
    return answer
  }

  /** Does what readers cost the leader: the next snapshot is put off for so much longer. Not to be nested. */
  measured<T>(act: () => T): T {
    const latest = this.#latest
    const startMs = this.#deps.cpuMs()
    const result = act()
    if (latest) latest.spentMs += this.#deps.cpuMs() - startMs
    return result
  }

  #fresh(): Latest | undefined {
    const { clock, cpuMs, facts } = this.#deps
    const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() }
    const known = facts(now)
    const before = this.#latest
    if (!known) {
      this.#latest = undefined
      return undefined
    }
    if (before && isGood(before, now.monotonicMs) && before.snap.leader.term === known.term) return before
    const startMs = cpuMs()
    const snap = snapshot(known, this.#offset(now), before?.snap)
    const made = { madeAtMs: now.monotonicMs, spentMs: cpuMs() - startMs }
    this.#latest = { snap, ...made, told: new Map(), budget: new AnswerBudget(MOST_SPENT_MS) }
    return this.#latest
  }

  #stateOf({ snap, told }: Latest, query: ParsedQuery): State {
    const key = JSON.stringify(query)
    const { state = narrowed(snap, query, this.#deps) } = told.get(key) ?? {}
    if (!told.has(key)) told.set(key, { state })
    return state
  }

  /** Stays as it is, or every row would change with each correction of the wall clock. */
  #offset({ monotonicMs, wallMs }: StateFacts['now']): number {
    const offsetMs = wallMs - monotonicMs
    if (Math.abs(offsetMs - this.#offsetMs) > MOST_DRIFT_MS) this.#offsetMs = offsetMs
    return this.#offsetMs
  }
}

function isGood({ madeAtMs, spentMs }: Latest, nowMs: number): boolean {
  return nowMs < madeAtMs + Math.max(GOOD_FOR_MS, REST * spentMs)
}
