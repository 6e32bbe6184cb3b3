import type { Pod } from '../../../core/pod.ts'
import type { Release } from '../model/grant.ts'
import { statusOf } from './container-status.ts'

/** How the starts of one grant came to an end, counted for the node's automatic limit (auto/sample.ts). */
export interface StartEnd {
  finished?: number
  killed?: number
  oomKilled?: number
  evicted?: number
}

/** Reason of a pod that the kubelet took off its node. */
const EVICTED = 'Evicted'
/**
 * How its message begins where the node had too little memory, disk or process ids. Else the pod used more of its disk
 * than it may itself, which is no matter of the node (kubelet: pkg/kubelet/eviction/helpers.go).
 */
const LOW_NODE = 'The node was low on resource'
/** By SIGKILL and SIGTERM: what the kubelet ends, as after a failed probe. */
const KILLED = new Set([137, 143])

/** Of pulls nothing. Timeouts come one by one, before the grant ends. */
export function startEndOf({ grant, reason }: Omit<Release, 'late'>, pod: Pod | undefined): StartEnd {
  if (grant.resource !== 'start') return {}
  if (reason === 'Ready') return { finished: grant.slots }
  if (pod?.status?.reason === EVICTED) return isOfLowNode(pod.status) ? { evicted: 1 } : {}
  if (!pod || pod.metadata.deletionTimestamp || (reason !== 'Failed' && reason !== 'BackOff')) return {}
  const ends = grant.containers.flatMap(name => {
    const { state, lastState } = statusOf(pod, name) ?? {}
    return state?.terminated ?? lastState?.terminated ?? []
  })
  if (ends.some(end => end.reason === 'OOMKilled')) return { oomKilled: 1 }
  return ends.some(({ exitCode }) => exitCode !== undefined && KILLED.has(exitCode)) ? { killed: 1 } : {}
}

/** What `startEndOf` needs of why a pod was evicted; nothing of one that was not. */
export function evictionOf(status: NonNullable<Pod['status']>): Pick<NonNullable<Pod['status']>, 'reason' | 'message'> {
  if (status.reason !== EVICTED) return {}
  return isOfLowNode(status) ? { reason: EVICTED, message: LOW_NODE } : { reason: EVICTED }
}

function isOfLowNode({ message }: NonNullable<Pod['status']>): boolean {
  return message?.startsWith(LOW_NODE) ?? false
}
