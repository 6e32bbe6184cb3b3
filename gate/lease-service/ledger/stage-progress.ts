import type { Pod } from '../../../core/pod.ts'
import type { Ticket } from '../model/grant.ts'
import { hasPassed } from '../pods/container-observation.ts'
import { sequenceOf, stageIndexOf } from '../pods/pod-sequence.ts'
import { ticketKey } from '../pods/ticket-from-pod.ts'

/** How far the stages of sequenced pods have come in the latest run of each. */
export class StageProgress {
  readonly #granted = new Map<string, { attempt: number; keys: Set<string> }>()

  granted({ podUid, attempt, key }: Ticket): void {
    const before = this.#granted.get(podUid)
    const keys = before?.attempt === attempt ? before.keys : new Set<string>()
    this.#granted.set(podUid, { attempt, keys: keys.add(key) })
  }

  /** The grant never reached its gate. */
  revoked({ podUid, key }: Ticket): void {
    this.#granted.get(podUid)?.keys.delete(key)
  }

  removePod(podUid: string): void {
    this.#granted.delete(podUid)
  }

  /** Whether the ticket's gate has let its pod go in this very run: what is asked for is running already. */
  isPassed({ resource, gate, attempt }: Ticket, pod: Pod): boolean {
    return resource === 'start' && stageIndex(gate, pod) >= 0 && hasPassed(pod, gate, attempt)
  }

  /**
   * Why a stage may not take slots yet; undefined when it may. The kubelet opens one gate after the other, so a stage
   * that took slots before an earlier one had them would hold what it cannot use, and the pod could wait for itself.
   */
  reasonToWait(ticket: Ticket, pod: Pod, isHeld: (key: string) => boolean): string | undefined {
    const { podUid, attempt, gate } = ticket
    const before = sequenceOf(pod)?.stages[stageIndex(gate, pod) - 1]
    if (!before) return undefined
    const key = ticketKey('start', podUid, attempt, before.gate)
    const granted = this.#granted.get(podUid)
    if (granted?.attempt === attempt && granted.keys.has(key)) return undefined
    if (isHeld(key) || hasPassed(pod, before.gate, attempt)) return undefined
    return `start: the gate ${before.gate} comes first`
  }
}

function stageIndex(gate: Ticket['gate'], pod: Pod): number {
  const sequence = sequenceOf(pod)
  return sequence ? stageIndexOf(sequence, gate) : -1
}
