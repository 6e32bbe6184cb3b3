import type { Pod } from '../../../core/pod.ts'
import { isGate } from '../../../core/sequence.ts'
import type { WaitCause, Waiting } from '../model/grant.ts'

/** Condition on a pod that waits, or has waited, for longer than an instant: what for, and its place in line. */
export const WAITING_CONDITION = 'startgate.dev/Waiting'

export interface WaitingCondition {
  type: typeof WAITING_CONDITION
  status: 'True' | 'False'
  reason: string
  message: string
}

const REASONS: Record<WaitCause, string> = {
  full: 'Full',
  behind: 'Behind',
  oversize: 'Oversize',
  frozen: 'Frozen',
  order: 'Order',
  'node-lost': 'NodeLost',
  'pod-unknown': 'PodUnknown',
  'set-aside': 'SetAside',
}
/** Names in it may be long, and the status is the pod's. */
const MAX_MESSAGE_LENGTH = 1_000

/** What is said of a pod one of whose gates waits. */
export function waitingCondition({ cause, place, of, reason }: Waiting): WaitingCondition {
  const message = `place ${place} of ${of}: ${reason}`.slice(0, MAX_MESSAGE_LENGTH)
  return { type: WAITING_CONDITION, status: 'True', reason: REASONS[cause], message }
}

/** What is said once none of its gates waits any more. */
export const NOT_WAITING: WaitingCondition = {
  type: WAITING_CONDITION,
  status: 'False',
  reason: 'NotWaiting',
  message: 'no gate of this pod waits',
}

/** Whether a pod's status says that it waits. */
export function isShownWaiting({ status }: Pod): boolean {
  return status?.conditions?.some(c => c.type === WAITING_CONDITION && c.status === 'True') ?? false
}

/** Whether a gate of the pod is running: it waits, or has been let go this instant. */
export function hasGateRunning({ status }: Pod): boolean {
  return status?.initContainerStatuses?.some(({ name, state }) => isGate(name) && state?.running) ?? false
}
