import { workloadOf } from '../../../core/after.ts'
import type { Pod } from '../../../core/pod.ts'

export interface PodEntry {
  pod: Pod
  /** Its Node object was deleted while it was there. */
  nodeGone: boolean
}

/** Pods as they are shown, found by UID, node, namespace and name. */
export class PodIndex {
  readonly #entries = new Map<string, PodEntry>()
  readonly #byNode = new Map<string, Set<PodEntry>>()
  /** Namespace, then name. */
  readonly #byName = new Map<string, Map<string, PodEntry>>()

  /** Takes a pod in, or its latest state. */
  set(pod: Pod): void {
    const { uid = '', namespace = '', name = '' } = pod.metadata
    const before = this.#entries.get(uid)
    if (before?.pod.spec.nodeName === pod.spec.nodeName && before) {
      before.pod = pod
      return
    }
    this.delete(uid)
    const entry = { pod, nodeGone: before?.nodeGone ?? false }
    this.#entries.set(uid, entry)
    this.#byName.set(namespace, (this.#byName.get(namespace) ?? new Map()).set(name, entry))
    const { nodeName = '' } = pod.spec
    this.#byNode.set(nodeName, (this.#byNode.get(nodeName) ?? new Set()).add(entry))
  }

  delete(uid: string): void {
    const entry = this.#entries.get(uid)
    if (!entry) return
    this.#entries.delete(uid)
    const { namespace = '', name = '' } = entry.pod.metadata
    const named = this.#byName.get(namespace)
    // One of the same name may have come before this one went.
    if (named?.get(name) === entry) named.delete(name)
    if (named?.size === 0) this.#byName.delete(namespace)
    const { nodeName = '' } = entry.pod.spec
    const onNode = this.#byNode.get(nodeName)
    onNode?.delete(entry)
    if (onNode?.size === 0) this.#byNode.delete(nodeName)
  }

  get(uid: string): PodEntry | undefined {
    return this.#entries.get(uid)
  }

  values(): MapIterator<PodEntry> {
    return this.#entries.values()
  }

  onNode(nodeName: string): Iterable<PodEntry> {
    return this.#byNode.get(nodeName) ?? []
  }

  inNamespace(namespace: string): Iterable<PodEntry> {
    return this.#byName.get(namespace)?.values() ?? []
  }

  /** What a pod belongs to, in the words of `after`. */
  workloadOf(namespace: string, name: string): string | undefined {
    const pod = this.#byName.get(namespace)?.get(name)?.pod
    return pod && workloadOf(pod.metadata)
  }
}
