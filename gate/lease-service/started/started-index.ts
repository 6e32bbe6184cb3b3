import { ImageCounts } from '../pods/shown-images.ts'
import { StartedPod } from './started-pod.ts'

/**
 * The pods past starting, as a replica sees them whether it leads or not: a new leader finds them here, so that they
 * cost it nothing, however many there are.
 */
export class StartedIndex {
  readonly #byUid = new Map<string, StartedPod>()
  /** Namespace, then name. */
  readonly #byName = new Map<string, Map<string, StartedPod>>()
  readonly #images = new ImageCounts()

  /** Takes in what is kept of a pod; nothing is, as long as it is not past starting. */
  set(uid: string, kept: unknown): void {
    if (this.#byUid.get(uid) === kept) return
    this.delete(uid)
    if (!(kept instanceof StartedPod) || kept.metadata.uid !== uid) return
    const { namespace = '', name = '' } = kept.metadata
    this.#byUid.set(uid, kept)
    this.#byName.set(namespace, (this.#byName.get(namespace) ?? new Map()).set(name, kept))
    this.#images.add(kept.spec.nodeName ?? '', kept.images, 1)
  }

  delete(uid: string): void {
    const pod = this.#byUid.get(uid)
    if (!pod) return
    this.#byUid.delete(uid)
    const { namespace = '', name = '' } = pod.metadata
    const named = this.#byName.get(namespace)
    // One of the same name may have come before this one went.
    if (named?.get(name) === pod) named.delete(name)
    if (named?.size === 0) this.#byName.delete(namespace)
    this.#images.add(pod.spec.nodeName ?? '', pod.images, -1)
  }

  get(uid: string): StartedPod | undefined {
    return this.#byUid.get(uid)
  }

  /** What a pod belongs to, in the words of `after`. */
  workloadOf(namespace: string, name: string): string | undefined {
    return this.#byName.get(namespace)?.get(name)?.workload
  }

  /** Whether one of them has shown an image to be on a node. */
  hasImage(nodeName: string, image: string): boolean {
    return this.#images.has(nodeName, image)
  }
}
