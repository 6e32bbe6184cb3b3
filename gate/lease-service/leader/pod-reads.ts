import { messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import type { Pod } from '../../../core/pod.ts'
import type { PodName } from './term-events.ts'

export interface PodReadsDeps {
  /** undefined when there is no such pod. */
  getPod: (namespace: string, name: string) => Promise<Pod | undefined>
  /** Told only what the API server has said. */
  onRead: (uid: string, pod: Pod | undefined) => void
  /** Nobody wants to know any more. */
  hasEnded: () => boolean
  log: Logger
}

/** Asks the API server for pods that the watch does not show. */
export class PodReads {
  readonly #deps: PodReadsDeps
  #isReadingAgain = false

  constructor(deps: PodReadsDeps) {
    this.#deps = deps
  }

  async read({ uid, namespace, name }: PodName): Promise<void> {
    const { getPod, onRead, log } = this.#deps
    let pod: Pod | undefined
    try {
      pod = await getPod(namespace, name)
    } catch (error) {
      log.warn({ namespace, pod: name, error: messageOf(error) }, 'cannot ask for a pod; it keeps its slots')
      return
    }
    onRead(uid, pod)
  }

  /** One after the other, and one round at a time: with a slow API server they would pile up. */
  async readAgain(pods: readonly PodName[]): Promise<void> {
    if (this.#isReadingAgain) return
    this.#isReadingAgain = true
    for (const pod of pods) if (!this.#deps.hasEnded()) await this.read(pod)
    this.#isReadingAgain = false
  }
}
