import type { Pod } from '../../core/pod.ts'
import type { Ledger } from './ledger.ts'
import { projectPod } from './pod-projection.ts'
import { sharedText } from './shared.ts'
import { StartedIndex } from './started-index.ts'
import { StartedPod, StartedPods } from './started-pod.ts'

/** Test support. What the watch of a replica keeps of pods, and the ledger that is shown no more of them than a real one. */
export class SimStarted {
  readonly index = new StartedIndex()
  readonly #texts = sharedText()
  readonly #pods = new StartedPods(this.#texts)
  /** Pods that the ledger knows as they are shown. */
  readonly #whole = new Map<string, Pod>()
  readonly #oldAfterMs: number

  constructor(maxStartTimeoutMs: number) {
    this.#oldAfterMs = maxStartTimeoutMs + 60_000
  }

  /** At a takeover nobody looks at pods past starting. */
  list(ledger: Ledger, pod: Pod, at: { nowMs: number; wallMs: number }): void {
    const seen = projectPod(pod, this.#texts)
    if (!this.#keep(seen, at.wallMs)) this.#upsert(ledger, seen, at.nowMs)
  }

  show(ledger: Ledger, pod: Pod, at: { nowMs: number; wallMs: number }): void {
    const seen = projectPod(pod, this.#texts)
    this.#upsert(ledger, seen, at.nowMs)
    this.#keep(seen, at.wallMs)
  }

  /** Somebody wants to know more of a pod than is kept: it is read from the API. */
  read(ledger: Ledger, pod: Pod, nowMs: number): void {
    if (!this.#whole.has(pod.metadata.uid ?? '')) this.#upsert(ledger, projectPod(pod, this.#texts), nowMs)
  }

  gone(uid: string): void {
    this.#whole.delete(uid)
    this.index.delete(uid)
  }

  /** To be called now and then. Returns how many pods the ledger has forgotten. */
  shrink(ledger: Ledger, wallMs: number, isBusy: (uid: string) => boolean): number {
    const done = [...this.#whole].filter(([uid, pod]) => this.#keep(pod, wallMs) && !isBusy(uid) && ledger.isIdle(uid))
    for (const [uid] of done) {
      this.#whole.delete(uid)
      ledger.forgetStarted(uid)
    }
    return done.length
  }

  #upsert(ledger: Ledger, seen: Pod, nowMs: number): void {
    this.#whole.set(seen.metadata.uid ?? '', seen)
    ledger.upsertPod(seen, nowMs)
  }

  /** Whether it is past starting. */
  #keep(seen: Pod, wallMs: number): boolean {
    const uid = seen.metadata.uid ?? ''
    const kept = this.#pods.shrunk(seen, { wallMs, oldAfterMs: this.#oldAfterMs, before: this.index.get(uid) })
    this.index.set(uid, kept)
    return kept instanceof StartedPod
  }
}
