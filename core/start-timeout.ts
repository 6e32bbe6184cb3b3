import type { NamespaceSettings, PodSettings } from './annotations.ts'
import type { Container } from './pod.ts'

export interface StartTimeoutSettings {
  pod: Pick<PodSettings, 'startTimeoutMs'>
  namespace: Pick<NamespaceSettings, 'startTimeoutMs'>
  /** The chart's values. */
  cluster: { startTimeoutMs: number; maxStartTimeoutMs: number }
}

/**
 * How long a container may be starting, in ms. What someone wrote on purpose wins: the pod's annotation, then the
 * namespace's, then the startupProbe's own budget, then the default; never more than `maxStartTimeoutMs`.
 */
export function startTimeoutOf({ startupProbe }: Container, { pod, namespace, cluster }: StartTimeoutSettings): number {
  const budgetMs = startupProbe && probeBudgetMs(startupProbe)
  const timeoutMs = pod.startTimeoutMs ?? namespace.startTimeoutMs ?? budgetMs ?? cluster.startTimeoutMs
  return Math.min(timeoutMs, cluster.maxStartTimeoutMs)
}

/** Absent fields have the API's defaults: 0 s, every 10 s, 3 failures. */
function probeBudgetMs(probe: NonNullable<Container['startupProbe']>): number {
  return ((probe.initialDelaySeconds ?? 0) + (probe.failureThreshold ?? 3) * (probe.periodSeconds ?? 10)) * 1000
}
