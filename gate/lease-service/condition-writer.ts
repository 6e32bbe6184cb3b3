import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { isNotFound, KubeError } from '../../core/kube/kube-error.ts'
import type { ApiTransport } from '../../core/kube/transport.ts'
import type { Logger } from '../../core/log.ts'
import type { Pod } from '../../core/pod.ts'
import type { StartedCondition } from './started-condition.ts'

export interface ConditionWriterDeps {
  transport: Pick<ApiTransport, 'request'>
  clock: Clock
  log: Logger
  /** A pod's condition is written at most this often; what comes in between is left out. */
  leastGapMs?: number
}

/** Where conditions are not written, since the chart's value took the right away. */
export const NO_CONDITIONS: Pick<ConditionWriter, 'put' | 'removePod'> = {
  put: () => undefined,
  removePod: () => undefined,
}

/** Writes conditions into pods' statuses, one after another. A condition is news for people: what fails is dropped. */
export class ConditionWriter {
  readonly #deps: ConditionWriterDeps
  readonly #pending = new Map<string, { pod: Pod; condition: StartedCondition }>()
  readonly #written = new Map<string, { text: string; atMs: number }>()
  #running = false

  constructor(deps: ConditionWriterDeps) {
    this.#deps = deps
  }

  put(pod: Pod, condition: StartedCondition): void {
    const uid = pod.metadata.uid ?? ''
    if (pod.metadata.deletionTimestamp || this.#written.get(uid)?.text === textOf(condition)) {
      this.#pending.delete(uid)
      return
    }
    const shown = pod.status?.conditions?.find(c => c.type === condition.type)
    if (!this.#written.has(uid) && shown && textOf(shown) === textOf(condition)) return
    this.#pending.set(uid, { pod, condition })
    this.#kick()
  }

  removePod(uid: string): void {
    this.#pending.delete(uid)
    this.#written.delete(uid)
  }

  #kick(): void {
    if (this.#running) return
    this.#running = true
    void this.#run().finally(() => {
      this.#running = false
    })
  }

  async #run(): Promise<void> {
    const { clock, leastGapMs = 1_000 } = this.#deps
    while (this.#pending.size > 0) {
      const nowMs = clock.monotonicMs()
      const isDue = (uid: string) => nowMs - (this.#written.get(uid)?.atMs ?? Number.NEGATIVE_INFINITY) >= leastGapMs
      const due = [...this.#pending].filter(([uid]) => isDue(uid))
      for (const [uid, { pod, condition }] of due) {
        this.#pending.delete(uid)
        this.#written.set(uid, { text: textOf(condition), atMs: nowMs })
        await this.#write(pod, condition)
      }
      if (due.length === 0) await sleep(leastGapMs / 4)
    }
  }

  async #write({ metadata }: Pod, condition: StartedCondition): Promise<void> {
    const { namespace = '', name = '', uid } = metadata
    const lastTransitionTime = `${new Date(this.#deps.clock.wallMs()).toISOString().slice(0, 19)}Z`
    try {
      await this.#deps.transport.request({
        method: 'PATCH',
        path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/status`,
        // Merges conditions by their type, and the kubelet leaves those it does not know alone.
        contentType: 'application/strategic-merge-patch+json',
        // With the uid, a pod of the same name that came after is not written to.
        body: { metadata: { uid }, status: { conditions: [{ ...condition, lastTransitionTime }] } },
      })
    } catch (error) {
      // 422: a pod of the same name has taken its place, and a uid is immutable.
      if (isNotFound(error) || (error instanceof KubeError && error.status === 422)) return
      this.#deps.log.warn({ namespace, pod: name, error: messageOf(error) }, 'cannot write the condition of a pod')
    }
  }
}

function textOf({ status, reason, message }: { status: string; reason?: string; message?: string }): string {
  return JSON.stringify([status, reason, message])
}
