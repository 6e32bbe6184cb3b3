import type { Pod } from '../../core/pod.ts'
import type { Ledger } from '../lease-service/ledger/ledger.ts'
import { projectPodMetadata, projectPodSpec, projectPodStatus } from '../lease-service/pods/pod-projection.ts'
import { sharedText } from '../lease-service/pods/shared-text.ts'
import { StartedIndex } from '../lease-service/started/started-index.ts'
import { StartedPod, StartedPods } from '../lease-service/started/started-pod.ts'

/** What is read of the parts of pods, which nobody ever writes to. */
const METADATA = new WeakMap<Pod['metadata'], Pod['metadata']>()
const SPECS = new WeakMap<Pod['spec'], Pod['spec']>()
const STATUSES = new WeakMap<NonNullable<Pod['status']>, NonNullable<Pod['status']>>()

function getOrMake<V extends object>(known: WeakMap<V, V>, from: V, make: () => V): V {
  const before = known.get(from)
  if (before) return before
  const made = make()
  known.set(from, made)
  return made
}

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
    const seen = this.#seen(pod)
    if (!this.#keep(seen, at.wallMs)) this.#upsert(ledger, seen, at.nowMs)
  }

  show(ledger: Ledger, pod: Pod, at: { nowMs: number; wallMs: number }): void {
    const seen = this.#seen(pod)
    this.#upsert(ledger, seen, at.nowMs)
    this.#keep(seen, at.wallMs)
  }

  /** Somebody wants to know more of a pod than is kept: it is read from the API. */
  read(ledger: Ledger, pod: Pod, nowMs: number): void {
    if (!this.#whole.has(pod.metadata.uid ?? '')) this.#upsert(ledger, this.#seen(pod), nowMs)
  }

  gone(uid: string): void {
    this.#whole.delete(uid)
    this.index.delete(uid)
  }

  /** To be called now and then. Returns how many pods the ledger has forgotten. */
  shrink(ledger: Ledger, wallMs: number, isBusy: (uid: string) => boolean): number {
    let count = 0
    for (const [uid, pod] of this.#whole) {
      if (!this.#keep(pod, wallMs) || isBusy(uid) || !ledger.isIdle(uid)) continue
      this.#whole.delete(uid)
      ledger.forgetStarted(uid)
      count += 1
    }
    return count
  }

  #upsert(ledger: Ledger, seen: Pod, _nowMs: number): void {
    this.#whole.set(seen.metadata.uid ?? '', seen)
    ledger.upsertPod(seen)
  }

  /** As `projectPod`, with the same parts for the same parts: worlds show most of them many times. */
  #seen({ metadata, spec, status }: Pod): Pod {
    return {
      metadata: getOrMake(METADATA, metadata, () => projectPodMetadata(metadata, this.#texts)),
      spec: getOrMake(SPECS, spec, () => projectPodSpec(spec, this.#texts)),
      ...(status && { status: getOrMake(STATUSES, status, () => projectPodStatus(status)) }),
    }
  }

  /** Whether it is past starting. */
  #keep(seen: Pod, wallMs: number): boolean {
    const uid = seen.metadata.uid ?? ''
    const kept = this.#pods.shrunk(seen, { wallMs, oldAfterMs: this.#oldAfterMs, before: this.index.get(uid) })
    this.index.set(uid, kept)
    return kept instanceof StartedPod
  }
}
