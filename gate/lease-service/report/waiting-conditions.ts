import type { Clock } from '../../../core/clock.ts'
import type { Pod } from '../../../core/pod.ts'
import { type Grant, podUidOf, type Waiting } from '../model/grant.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import {
  hasGateRunning,
  isShownWaiting,
  NOT_WAITING,
  type WaitingCondition,
  waitingCondition,
} from '../pods/waiting-condition.ts'
import { type PatchFailure, stampOf, type WrittenCondition } from './condition-patch.ts'

export type WriteCondition = (pod: Pod, condition: WrittenCondition) => Promise<PatchFailure | undefined>

export interface WaitingConditionsDeps {
  /** Never rejects. */
  write: WriteCondition
  podOf: (uid: string) => Pod | undefined
  clock: Clock
}

/** A row of who waits, and for how long it has. */
export type Wait = readonly [Waiting, waitedMs: number]

/** Shorter waits are nobody's concern. */
const TOLD_AFTER_MS = 10_000
/** What a pod's condition says of its place is renewed this often at most. */
const RENEWED_AFTER_MS = 30_000
/** In all, with one `tick` a second: each is a write to etcd, and comes back by the watch. */
const WRITES_PER_TICK = 50
/** After a failure that may pass, if the API server names no other time; and after one that will not by itself. */
const PAUSE_MS = 5_000
const LONG_PAUSE_MS = 60_000

interface Written {
  atMs: number
  status: WaitingCondition['status']
  message: string
}

/**
 * The condition startgate.dev/Waiting on pods that wait: written late, seldom, and few at a time, since it is for
 * people and each costs a write; taken off as soon as may be, for `kubectl wait`. Of one term: what it must know of
 * former ones the pods show.
 */
export class WaitingConditions {
  readonly #deps: WaitingConditionsDeps
  /** Of the latest step. */
  #rows: readonly Wait[] = []
  readonly #written = new Map<string, Written>()
  /** Pods that wait no more and show that they do. */
  readonly #over = new Map<string, Pod>()
  /** A later write must not overtake an earlier one. */
  readonly #writing = new Set<string>()
  #pausedUntilMs = Number.NEGATIVE_INFINITY

  constructor(deps: WaitingConditionsDeps) {
    this.#deps = deps
  }

  /** All who wait now. */
  waiting(rows: readonly Wait[]): void {
    this.#rows = rows
  }

  /** A gate was let go. One of several may be, while others of its pod wait on. */
  granted({ podUid, key }: Pick<Grant, 'podUid' | 'key'>): void {
    const pod = this.#deps.podOf(podUid)
    if (!pod || !this.#isTold(pod)) return
    const waitsOn = ([row]: Wait) => row.key !== key && podUidOf(row.key) === podUid
    if (sequenceOf(pod) && this.#rows.some(waitsOn)) return
    this.#over.set(podUid, pod)
  }

  /** A gate may have ended without a grant, or while nobody led. */
  podShown(pod: Pod): void {
    const { uid = '', deletionTimestamp } = pod.metadata
    if (isShownWaiting(pod) && !hasGateRunning(pod) && !deletionTimestamp) this.#over.set(uid, pod)
  }

  /** Gone, or past starting: what is to be taken off of it is, all the same. */
  podForgotten(uid: string): void {
    this.#written.delete(uid)
  }

  /** Writes what is due. To be called once a second. */
  tick(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    if (nowMs < this.#pausedUntilMs) return
    let room = WRITES_PER_TICK - this.#writing.size
    for (const [uid, pod] of this.#over) {
      if (room <= 0) return
      if (this.#writing.has(uid)) continue
      this.#over.delete(uid)
      void this.#write(uid, pod, NOT_WAITING, nowMs)
      room -= 1
    }
    for (const [uid, row] of this.#due(nowMs).slice(0, Math.max(0, room))) {
      const pod = this.#deps.podOf(uid)
      if (pod) void this.#write(uid, pod, waitingCondition(row), nowMs)
    }
  }

  /** Those never told of first, then those of longest ago; among equals in the order of their turns. */
  #due(nowMs: number): [string, Waiting][] {
    const due = new Map<string, { row: Waiting; atMs: number }>()
    for (const [row, waitedMs] of this.#rows) {
      const uid = podUidOf(row.key)
      const { atMs, status, message } = this.#written.get(uid) ?? NEVER
      if (waitedMs < TOLD_AFTER_MS || due.has(uid) || this.#writing.has(uid)) continue
      if (nowMs - atMs < RENEWED_AFTER_MS) continue
      if (status === 'False' || message !== waitingCondition(row).message) due.set(uid, { row, atMs })
    }
    return [...due]
      .sort(([, a], [, b]) => (a.atMs < b.atMs ? -1 : Number(a.atMs > b.atMs)))
      .map(([uid, { row }]) => [uid, row])
  }

  #isTold(pod: Pod): boolean {
    const written = this.#written.get(pod.metadata.uid ?? '')
    return written ? written.status === 'True' : isShownWaiting(pod)
  }

  async #write(uid: string, pod: Pod, condition: WaitingCondition, nowMs: number): Promise<void> {
    const { write, clock } = this.#deps
    const isTransition = condition.status === 'False' || !this.#isTold(pod)
    const { status, message } = condition
    this.#written.set(uid, { atMs: nowMs, status, message })
    this.#writing.add(uid)
    const lastTransitionTime = isTransition ? { lastTransitionTime: stampOf(clock.wallMs()) } : {}
    const failure = await write(pod, { ...condition, ...lastTransitionTime })
    this.#writing.delete(uid)
    if (!failure || failure.isGone) return
    this.#written.delete(uid)
    // What says that a pod waits is due again soon enough.
    if (status === 'False') this.#over.set(uid, pod)
    const pauseMs = failure.isPassing ? Math.max(PAUSE_MS, failure.retryAfterMs ?? 0) : LONG_PAUSE_MS
    this.#pausedUntilMs = clock.monotonicMs() + pauseMs
  }
}

const NEVER: Written = { atMs: Number.NEGATIVE_INFINITY, status: 'False', message: '' }
