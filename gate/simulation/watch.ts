import type { Clock } from '../../core/clock.ts'
import type { Pod } from '../../core/pod.ts'
import { projectPodMetadata, projectPodSpec, projectPodStatus } from '../lease-service/pods/pod-projection.ts'
import { sharedText } from '../lease-service/pods/shared-text.ts'
import { retainPods } from '../lease-service/started/retain-pods.ts'

/** What is read of the parts of pods, which nobody ever writes to. */
const SPECS = new WeakMap<Pod['spec'], Pod['spec']>()
const STATUSES = new WeakMap<NonNullable<Pod['status']>, NonNullable<Pod['status']>>()

function getOrMake<V extends object>(known: WeakMap<V, V>, from: V, make: () => V): V {
  const before = known.get(from)
  if (before) return before
  const made = make()
  known.set(from, made)
  return made
}

/** What a replica's watch tells. */
export interface WatchEars {
  podChanged(pod: Pod, kept: Pod): void
  podKept(pod: Pod): void
  podUnseen(pod: Pod): void
}

/** Test support. What the watch of one replica keeps of pods: as leader/watches.ts, on what it is shown. */
export class SimWatch {
  /** By UID. */
  readonly kept = new Map<string, Pod>()
  readonly #ears: WatchEars
  readonly #texts = sharedText()
  readonly #retain: (pod: Pod, before?: Pod) => Pod

  constructor(ears: WatchEars, { clock, maxStartTimeoutMs }: { clock: Clock; maxStartTimeoutMs: number }) {
    this.#ears = ears
    this.#retain = retainPods({ texts: this.#texts, clock, maxStartTimeoutMs })
  }

  show(pod: Pod): void {
    const seen = this.read(pod)
    this.#ears.podChanged(seen, this.#keep(seen))
  }

  /** The first list, before anybody leads. */
  list(pods: Iterable<Pod>): void {
    for (const pod of pods) this.#ears.podKept(this.#keep(this.read(pod)))
  }

  hide(uid: string): void {
    const last = this.kept.get(uid)
    if (!last) return
    this.kept.delete(uid)
    this.#ears.podUnseen(last)
  }

  /** One that was broken lists anew. */
  listAnew(pods: ReadonlyMap<string, Pod>): void {
    for (const pod of pods.values()) this.show(pod)
    for (const uid of this.kept.keys()) if (!pods.has(uid)) this.hide(uid)
  }

  /** Pods get past starting by time alone, too. */
  shrink(): void {
    for (const pod of this.kept.values()) this.#ears.podKept(this.#keep(pod))
  }

  /** As `projectPod`, with the same parts for the same parts: worlds show most of them many times. */
  read({ metadata, spec, status }: Pod): Pod {
    return {
      metadata: projectPodMetadata(metadata, this.#texts),
      spec: getOrMake(SPECS, spec, () => projectPodSpec(spec, this.#texts)),
      ...(status && { status: getOrMake(STATUSES, status, () => projectPodStatus(status, spec)) }),
    }
  }

  #keep(seen: Pod): Pod {
    const uid = seen.metadata.uid ?? ''
    const kept = this.#retain(seen, this.kept.get(uid))
    this.kept.set(uid, kept)
    return kept
  }
}
