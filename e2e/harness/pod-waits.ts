import type { ObservedPod } from '../observer/cluster-events.ts'
import type { Observer } from '../observer/observer.ts'
import { type Phase, type PodPhase, podPhase } from '../observer/pod-phase.ts'
import type { Limit } from './time-limits.ts'
import { waitFor } from './wait-for.ts'

/** Waits until the namespace has so many pods that are all ready, as the observer sees them; returns them. */
export function allReady(observer: Observer, namespace: string, count: number, limit: Limit): Promise<ObservedPod[]> {
  return waitFor(
    `${count} ready pods in ${namespace}`,
    () => {
      const pods = observer.pods(namespace)
      const phases = pods.map(pod => podPhase(pod, Date.now()).phase)
      return pods.length === count && phases.every(phase => phase === 'ready') && pods
    },
    limit,
  )
}

/** Waits until one pod is in a phase (and, if given, waits for this); returns the pod. */
export function podIs(
  observer: Observer,
  [namespace, name]: [string, string],
  want: { phase: Phase; waitsFor?: string; gate?: string },
  limit: Limit,
): Promise<ObservedPod> {
  return waitFor(
    `pod ${name} is ${want.phase}${want.waitsFor ? ` and waits for ${want.waitsFor}` : ''}`,
    () => {
      const pod = observer.pods(namespace).find(p => p.metadata.name === name)
      return pod && matches(podPhase(pod, Date.now()), want) && pod
    },
    limit,
  )
}

function matches(is: PodPhase, want: { phase: Phase; waitsFor?: string; gate?: string }): boolean {
  if (is.phase !== want.phase || (want.gate !== undefined && is.gate !== want.gate)) return false
  return want.waitsFor === undefined || is.waitsFor === want.waitsFor
}
