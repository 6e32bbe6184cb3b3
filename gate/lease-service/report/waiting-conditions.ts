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
/** Sockets to the API server are shared with grants' Leases and token reviews, which must not wait behind these. */
const MOST_WRITING = 8
/** After a failure that may pass, if the API server names no other time; and after one that will not by itself. */
const PAUSE_MS = 5_000
const LONG_PAUSE_MS = 60_000
/** Of one pod, whose pause doubles with each refusal. */
const LONGEST_PAUSE_MS = 3_600_000

/** A pod whose condition was refused. */
interface Refused {
  /** In a row. */
  times: number
  untilMs: number
}

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
  /** As all were told last. */
  #rows: readonly Wait[] = []
  /** Keys of those who have been let go since. */
  readonly #gone = new Set<string>()
  readonly #written = new Map<string, Written>()
  /** Pods that wait no more and show that they do. */
  readonly #over = new Map<string, Pod>()
  /** What was due at the latest tick and is not begun yet. */
  #due = new Map<string, Waiting>()
  /** A later write must not overtake an earlier one. */
  readonly #writing = new Set<string>()
  readonly #refused = new Map<string, Refused>()
  /** How many more may begin before the next tick. */
  #room = 0
  #pausedUntilMs = Number.NEGATIVE_INFINITY

  constructor(deps: WaitingConditionsDeps) {
    this.#deps = deps
  }

  /** Pods of which something is remembered or under way. */
  get size(): number {
    return new Set([this.#written, this.#refused, this.#over, this.#due].flatMap(pods => [...pods.keys()])).size
  }

  /** All who wait now. */
  waiting(rows: readonly Wait[]): void {
    this.#rows = rows
    this.#gone.clear()
  }

  /** A gate was let go. One of several may be, while others of its pod wait on. */
  granted({ podUid, key }: Pick<Grant, 'podUid' | 'key'>): void {
    this.#gone.add(key)
    // Another gate of the pod is due again at the next tick.
    this.#due.delete(podUid)
    const pod = this.#deps.podOf(podUid)
    if (!pod || !this.#isTold(pod)) return
    const waitsOn = ([row]: Wait) => !this.#gone.has(row.key) && podUidOf(row.key) === podUid
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
    if (!this.#over.has(uid)) this.#refused.delete(uid)
  }

  /** Writes what is due. To be called once a second. */
  tick(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    if (nowMs < this.#pausedUntilMs) return
    this.#room = WRITES_PER_TICK
    this.#due = this.#dueAt(nowMs)
    this.#pump()
  }

  /** The term has ended: the next leader says what is true. `tick` is not to be called any more. */
  stop(): void {
    this.#room = 0
  }

  /** Begins what there is room for. */
  #pump(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    const hasRoom = () => this.#room > 0 && this.#writing.size < MOST_WRITING && nowMs >= this.#pausedUntilMs
    for (const [uid, pod] of this.#over) {
      if (!hasRoom()) return
      if (this.#writing.has(uid) || this.#isRefused(uid, nowMs)) continue
      this.#over.delete(uid)
      void this.#write(uid, pod, NOT_WAITING, nowMs)
    }
    for (const [uid, row] of this.#due) {
      if (!hasRoom()) return
      this.#due.delete(uid)
      const pod = this.#deps.podOf(uid)
      if (pod && !this.#writing.has(uid)) void this.#write(uid, pod, waitingCondition(row), nowMs)
    }
  }

  #isRefused(uid: string, nowMs: number): boolean {
    return nowMs < (this.#refused.get(uid)?.untilMs ?? nowMs)
  }

  /** For one tick: those never told of first, then those of longest ago; among equals in the order of turns. */
  #dueAt(nowMs: number): Map<string, Waiting> {
    let neverTold = 0
    const due = new Map<string, { row: Waiting; atMs: number }>()
    for (const [row, waitedMs] of this.#rows) {
      if (neverTold >= WRITES_PER_TICK) break
      const uid = podUidOf(row.key)
      const { atMs, status, message } = this.#written.get(uid) ?? NEVER
      if (this.#gone.has(row.key) || waitedMs < TOLD_AFTER_MS || due.has(uid) || this.#writing.has(uid)) continue
      if (nowMs - atMs < RENEWED_AFTER_MS || this.#isRefused(uid, nowMs)) continue
      if (status === 'True' && message === waitingCondition(row).message) continue
      due.set(uid, { row, atMs })
      if (atMs === NEVER.atMs) neverTold += 1
    }
    const inOrder = [...due].sort(([, a], [, b]) => compareTimes(a.atMs, b.atMs)).slice(0, WRITES_PER_TICK)
    return new Map(inOrder.map(([uid, { row }]) => [uid, row]))
  }

  #isTold(pod: Pod): boolean {
    const written = this.#written.get(pod.metadata.uid ?? '')
    return written ? written.status === 'True' : isShownWaiting(pod)
  }

  async #write(uid: string, pod: Pod, condition: WaitingCondition, nowMs: number): Promise<void> {
    const { write, clock, podOf } = this.#deps
    const isTransition = condition.status === 'False' || !this.#isTold(pod)
    const { status, message } = condition
    this.#room -= 1
    this.#written.set(uid, { atMs: nowMs, status, message })
    this.#writing.add(uid)
    const lastTransitionTime = isTransition ? { lastTransitionTime: stampOf(clock.wallMs()) } : {}
    const failure = await write(pod, { ...condition, ...lastTransitionTime })
    this.#writing.delete(uid)
    const isLeft = failure !== undefined && !failure.isGone
    // What says that a pod waits is due again soon enough.
    if (isLeft && status === 'False') this.#over.set(uid, pod)
    // Of a pod that is forgotten nobody will say so again.
    if (isLeft || !podOf(uid)) this.#written.delete(uid)
    if (isLeft) this.#rest(uid, failure)
    else this.#refused.delete(uid)
    this.#pump()
  }

  /** Of one pod's condition that is refused the others must not know. */
  #rest(uid: string, { isPassing, isOfPod, retryAfterMs = 0 }: PatchFailure): void {
    const nowMs = this.#deps.clock.monotonicMs()
    const pauseMs = isPassing ? Math.max(PAUSE_MS, retryAfterMs) : LONG_PAUSE_MS
    if (!isOfPod) {
      this.#pausedUntilMs = nowMs + pauseMs
      return
    }
    // It is as good as gone, and what is not to be taken off of it is not due again.
    if (!this.#over.has(uid) && !this.#deps.podOf(uid)) return
    const times = (this.#refused.get(uid)?.times ?? 0) + 1
    this.#refused.set(uid, { times, untilMs: nowMs + Math.min(LONGEST_PAUSE_MS, pauseMs * 2 ** (times - 1)) })
  }
}

const NEVER: Written = { atMs: Number.NEGATIVE_INFINITY, status: 'False', message: '' }

/** Of which many are minus infinity, so that they cannot be subtracted. */
function compareTimes(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
