import { type ApiAccess, openApi } from '../observer/api-access.ts'
import type { ObservedPod } from '../observer/cluster-events.ts'
import { podPhase } from '../observer/pod-phase.ts'

const EVERY_MS = 1_500

/** What waiting gates last wrote into their logs, by pod name; asked for now and then, as `kubectl logs` would. */
export class GateReasons {
  readonly #api: ApiAccess
  readonly #reasons = new Map<string, string>()
  #askedAtMs = 0
  #asking: Promise<void> = Promise.resolve()

  constructor(kubeconfig: string) {
    this.#api = openApi(kubeconfig)
  }

  /** The last known reason. Asks for news in the background. */
  of(pod: ObservedPod): string | undefined {
    return this.#reasons.get(pod.metadata.name)
  }

  refresh(pods: ObservedPod[], nowMs: number): void {
    if (nowMs - this.#askedAtMs < EVERY_MS) return
    this.#askedAtMs = nowMs
    this.#asking = this.#asking.then(() => this.#ask(pods, nowMs))
  }

  async close(): Promise<void> {
    await this.#asking
    this.#api.close()
  }

  async #ask(pods: ObservedPod[], nowMs: number): Promise<void> {
    for (const pod of pods) {
      const { gate } = podPhase(pod, nowMs)
      const { namespace, name } = pod.metadata
      this.#reasons.delete(name)
      if (!gate) continue
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?container=${gate}&tailLines=1`
      // A gate that ended in between has nothing to say any more.
      const text = await this.#api.getText(path).catch(() => '')
      const reason = reasonIn(text)
      if (reason) this.#reasons.set(name, reason)
    }
  }
}

/** The reason and place in a gate's log line; undefined when it says neither. */
export function reasonIn(line: string): string | undefined {
  try {
    const { reason, place, of } = JSON.parse(line) as { reason?: string; place?: number; of?: number }
    // The gate says first for which slot; the table has said so already.
    const why = reason?.replace(/^(start|pull): /, '')
    return why && place !== undefined ? `place ${place} of ${of}: ${why}` : why
  } catch {
    return undefined
  }
}
