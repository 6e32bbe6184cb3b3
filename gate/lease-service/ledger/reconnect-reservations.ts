import { type GateName, PULL_GATE } from '../../../core/names.ts'
import type { Pod } from '../../../core/pod.ts'
import { isGate } from '../../../core/sequence.ts'
import type { Ticket } from '../model/grant.ts'
import { attemptIn, statusOf } from '../pods/container-status.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'

/**
 * How long a new leader keeps the turns of those who have not come back. Gates that are held by a replica come within
 * half a second, others try anew after one; with the 7.5 s after which a killed leader is replaced it fits into 10 s.
 */
export const RESERVATION_MS = 2_000
/**
 * The same for a process that has just begun, from its beginning on: it may be the first that gates reach again. It
 * takes 1 s to serve, the kubelet's probe and the endpoints some 3 s more, and a gate that was turned away pauses for
 * up to 8 s.
 */
export const RESERVATION_AFTER_START_MS = 15_000

/** How long a leader keeps turns whose process began `ageMs` ago. */
export function reservationMs(ageMs: number): number {
  return Math.max(RESERVATION_MS, RESERVATION_AFTER_START_MS - ageMs)
}

/**
 * Gates that waited when this term began, by the status of their pods, and have not been heard since. What they wait
 * for is not given to whoever comes after them: a connection that is made sooner must not beat an older pod.
 */
export class ReconnectReservations {
  readonly #byPod = new Map<string, Ticket>()
  #untilMs = Number.NEGATIVE_INFINITY

  begin(pods: Iterable<Pod>, untilMs: number): void {
    this.#untilMs = untilMs
    for (const pod of pods) {
      const ticket = waitedFor(pod)
      if (ticket) this.#byPod.set(ticket.podUid, ticket)
    }
  }

  /** Its gate waits no more: it was killed, or let its pod go. */
  podChanged(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    if (this.#byPod.has(uid) && !waitedFor(pod)) this.#byPod.delete(uid)
  }

  /** It is back, or gone for good. */
  remove(podUid: string): void {
    this.#byPod.delete(podUid)
  }

  tickets(nowMs: number): Ticket[] {
    if (nowMs >= this.#untilMs) this.#byPod.clear()
    return [...this.#byPod.values()]
  }

  /** When the last turn is kept no more. */
  wakeAtMs(): number | undefined {
    return this.#byPod.size > 0 ? this.#untilMs : undefined
  }
}

/**
 * What a pod's gate is waiting for, if one runs. Whether a stage waits for slots or for a dependency, only its agent
 * knows.
 */
function waitedFor(pod: Pod): Ticket | undefined {
  const running = pod.status?.initContainerStatuses?.find(({ name, state }) => isGate(name) && state?.running)
  if (!running) return undefined
  const gate = running.name as GateName
  if (sequenceOf(pod)?.stages.some(stage => stage.gate === gate && stage.dependsOn.length > 0)) return undefined
  const ticket = ticketOf(pod, { gate, attempt: attemptOf(pod, gate) })
  return 'refused' in ticket ? undefined : ticket
}

/** Only the pod's markers know; its status shows the ends of earlier runs, and of the first gate in this one. */
function attemptOf(pod: Pod, gate: GateName): number {
  const before = attemptIn(statusOf(pod, gate)?.lastState?.terminated?.message) ?? 0
  const first = attemptIn(statusOf(pod, PULL_GATE)?.state?.terminated?.message) ?? 1
  return Math.max(before + 1, first)
}
