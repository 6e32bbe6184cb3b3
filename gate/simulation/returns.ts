import type { Pod } from '../../core/pod.ts'
import type { Ticket } from '../lease-service/model/grant.ts'
import { sequenceOf } from '../lease-service/pods/pod-sequence.ts'
import { ticketOf } from '../lease-service/pods/ticket-from-pod.ts'
import { AFTER } from './random-pod.ts'

const START = 'startgate-start'

/**
 * Test support. Gates that a new leader was shown to wait and that it has not heard: of plain pods in their first run,
 * whose wait depends on limits alone.
 */
export class Unheard {
  readonly #byPod = new Map<string, Ticket>()
  #untilMs = 0

  /** `untilMs`: how long turns are kept. */
  tookOver(pods: readonly Pod[], isGranted: (podUid: string) => boolean, untilMs: number): void {
    this.#untilMs = untilMs
    for (const pod of pods) {
      const ticket = isPlain(pod) && isWaiting(pod) && ticketOf(pod, { gate: START, attempt: 1 })
      if (ticket && !('refused' in ticket) && !isGranted(ticket.podUid)) this.#byPod.set(ticket.podUid, ticket)
    }
  }

  podChanged(pod: Pod): void {
    if (!isWaiting(pod)) this.remove(pod.metadata.uid ?? '')
  }

  remove(podUid: string): void {
    this.#byPod.delete(podUid)
  }

  tickets(nowMs: number): Ticket[] {
    return nowMs < this.#untilMs ? [...this.#byPod.values()] : []
  }
}

function isPlain(pod: Pod): boolean {
  return !sequenceOf(pod) && pod.metadata.annotations?.[AFTER] === undefined
}

function isWaiting({ metadata, status }: Pod): boolean {
  const gate = status?.initContainerStatuses?.find(({ name }) => name === START)
  return gate?.state?.running !== undefined && !metadata.deletionTimestamp
}
