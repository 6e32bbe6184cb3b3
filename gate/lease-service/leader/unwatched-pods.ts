import { messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import type { Pod } from '../../../core/pod.ts'

export interface StraysDeps {
  /** undefined when there is no such pod. */
  getPod: (namespace: string, name: string) => Promise<Pod | undefined>
  onAlive: (pod: Pod) => void
  onGone: (uid: string) => void
  log: Logger
}

/**
 * Pods that the watch does not show any more: deleted, or their label was taken off while they live; or not yet. Only
 * the API server's word that one is gone frees its slots.
 */
export class Strays {
  readonly #deps: StraysDeps
  readonly #last = new Map<string, Pod>()

  constructor(deps: StraysDeps) {
    this.#deps = deps
  }

  /** Takes in a pod as it was last seen, and asks for it at once. */
  async add(pod: Pod): Promise<void> {
    this.#last.set(pod.metadata.uid ?? '', pod)
    await this.#check(pod)
  }

  /** Takes in a pod that was just asked for. */
  note(pod: Pod): void {
    this.#last.set(pod.metadata.uid ?? '', pod)
  }

  /** The watch shows the pod again. */
  remove(uid: string): void {
    this.#last.delete(uid)
  }

  async checkAll(): Promise<void> {
    for (const pod of this.#last.values()) await this.#check(pod)
  }

  /** Nothing that is heard from now on counts. */
  stop(): void {
    this.#last.clear()
  }

  async #check(last: Pod): Promise<void> {
    const { uid = '', namespace = '', name = '' } = last.metadata
    const now = await this.#deps.getPod(namespace, name).catch(error => {
      this.#deps.log.warn({ namespace, pod: name, error: messageOf(error) }, 'cannot ask for a pod; it keeps its slots')
      return last
    })
    if (now === last || !this.#last.has(uid)) return
    if (now?.metadata.uid === uid) {
      this.#deps.onAlive(now)
      return
    }
    this.#last.delete(uid)
    this.#deps.onGone(uid)
  }
}
