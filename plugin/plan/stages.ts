import type { Ticket } from '../../gate/lease-service/model/grant.ts'
import { ticketKey } from '../../gate/lease-service/pods/ticket-from-pod.ts'
import type { PlannedPod, PlannedStage } from './model.ts'

/** What the stage's gate waits for. */
export function ticketFor(pod: PlannedPod, { gate, containers }: PlannedStage): Ticket {
  return {
    key: ticketKey('start', pod.uid, 1, pod.stages.length > 1 ? gate : undefined),
    resource: 'start',
    gate,
    attempt: 1,
    podUid: pod.uid,
    podName: pod.uid,
    namespace: pod.namespace,
    nodeName: pod.nodeName,
    containers: containers.map(({ name }) => name),
    slots: containers.length,
    images: [],
    priority: pod.priority,
    createdAtMs: 0,
  }
}

/**
 * When the next stage's gate asks: the kubelet runs it after the stage before has begun, and it asks when what it comes
 * after is as it must be. `grantedAtMs` of the stages before it.
 */
export function askAtMs({ stages }: PlannedPod, grantedAtMs: readonly number[]): number {
  const dependsOn = stages[grantedAtMs.length]?.dependsOn ?? []
  const times = new Map(
    grantedAtMs.flatMap((ms, at) =>
      (stages[at]?.containers ?? []).map(({ name, startMs }) => [name, { ms, readyMs: ms + startMs }] as const),
    ),
  )
  return dependsOn.reduce((latest, { container, isStartedEnough }) => {
    const its = times.get(container)
    return Math.max(latest, (isStartedEnough ? its?.ms : its?.readyMs) ?? 0)
  }, grantedAtMs.at(-1) ?? 0)
}
