import type { Clock } from '../../../core/clock.ts'
import type { Pod } from '../../../core/pod.ts'
import type { StartedCondition } from '../pods/started-condition.ts'
import { type ConditionPatchDeps, patchCondition, stampOf } from './condition-patch.ts'

export interface ConditionWriterDeps extends ConditionPatchDeps {
  clock: Clock
  /**
   * A pod's condition is written at most this often; what comes in between is left out. Also the pause after a first
   * failure.
   */
  leastGapMs?: number
}

/** Where conditions are not written, since the chart's value took the right away. */
export const NO_CONDITIONS: Pick<ConditionWriter, 'put' | 'removePod'> = {
  put: () => undefined,
  removePod: () => undefined,
}

/** Of one pod. */
interface Work {
  /** What is to be written, the latest only; undefined when there is nothing. */
  pending: { pod: Pod; condition: StartedCondition } | undefined
  /** What the API server took last. */
  written: string | undefined
  /** No write before. Monotonic ms. */
  dueAtMs: number
  isWriting: boolean
  /** In a row. */
  failures: number
}

/**
 * So that a few that hang hold no others up: the transport ends each after its own time. Few, with those of
 * WaitingConditions, of the sockets that grants' Leases and token reviews share with them.
 */
const CONCURRENT = 8
const LONGEST_PAUSE_MS = 60_000

/** Writes conditions into pods' statuses, each until the API server has taken it or will not, or its pod is gone. */
export class ConditionWriter {
  readonly #deps: ConditionWriterDeps
  readonly #works = new Map<string, Work>()
  /** Pods with something to write, in the order in which it came. */
  readonly #waiting = new Set<string>()
  #writing = 0
  #timer: NodeJS.Timeout | undefined

  constructor(deps: ConditionWriterDeps) {
    this.#deps = deps
  }

  put(pod: Pod, condition: StartedCondition): void {
    const uid = pod.metadata.uid ?? ''
    const text = textOf(condition)
    const shown = pod.status?.conditions?.find(c => c.type === condition.type)
    const before = this.#works.get(uid)
    const isThere =
      before?.written === undefined ? shown !== undefined && textOf(shown) === text : before.written === text
    // Whatever is under way may arrive last, so the latest is written even where it was there before.
    if (pod.metadata.deletionTimestamp || (isThere && !before?.isWriting)) {
      if (before) before.pending = undefined
      this.#waiting.delete(uid)
      return
    }
    const work = before ?? { written: undefined, dueAtMs: 0, isWriting: false, failures: 0, pending: undefined }
    work.pending = { pod, condition }
    this.#works.set(uid, work)
    this.#waiting.add(uid)
    this.#pump()
  }

  removePod(uid: string): void {
    this.#works.delete(uid)
    this.#waiting.delete(uid)
  }

  /** Begins what is due, as far as there is room, and comes back when the next one is. */
  #pump(): void {
    clearTimeout(this.#timer)
    const nowMs = this.#deps.clock.monotonicMs()
    let nextMs = Number.POSITIVE_INFINITY
    for (const uid of this.#waiting) {
      if (this.#writing >= CONCURRENT) return
      const work = this.#works.get(uid)
      if (!work?.pending || work.isWriting) continue
      if (work.dueAtMs <= nowMs) void this.#write(uid, work, work.pending)
      else nextMs = Math.min(nextMs, work.dueAtMs)
    }
    if (nextMs === Number.POSITIVE_INFINITY) return
    this.#timer = setTimeout(() => this.#pump(), nextMs - nowMs)
    this.#timer.unref()
  }

  /** Never rejects. */
  async #write(uid: string, work: Work, { pod, condition }: { pod: Pod; condition: StartedCondition }): Promise<void> {
    this.#writing += 1
    work.isWriting = true
    work.pending = undefined
    this.#waiting.delete(uid)
    const lastTransitionTime = stampOf(this.#deps.clock.wallMs())
    const failure = await patchCondition(this.#deps, pod, { ...condition, lastTransitionTime })
    this.#writing -= 1
    work.isWriting = false
    work.failures = failure?.isPassing ? work.failures + 1 : 0
    work.dueAtMs = this.#deps.clock.monotonicMs() + this.#pauseMs(work.failures, failure?.retryAfterMs)
    if (!failure) work.written = textOf(condition)
    // What came meanwhile is later than what failed.
    if (failure?.isPassing) work.pending ??= { pod, condition }
    if (work.pending && this.#works.get(uid) === work) this.#waiting.add(uid)
    this.#pump()
  }

  #pauseMs(failures: number, retryAfterMs = 0): number {
    const { leastGapMs = 1_000 } = this.#deps
    return Math.min(LONGEST_PAUSE_MS, Math.max(retryAfterMs, leastGapMs * 2 ** Math.max(0, failures - 1)))
  }
}

function textOf({ status, reason, message }: { status: string; reason?: string; message?: string }): string {
  return JSON.stringify([status, reason, message])
}
