import { type NamespaceSettings, type PodSettings, podSetting } from '../../../core/annotations.ts'
import type { Container, Pod } from '../../../core/pod.ts'
import type { Ticket } from '../model/grant.ts'
import { containerOf, sequenceOf } from '../pods/pod-sequence.ts'
import type { ClusterSettings } from './cluster-settings.ts'
import type { LimitFacts } from './scope.ts'

/**
 * How long a container may be starting, in ms. What someone wrote on purpose wins: the pod's annotation, then the
 * namespace's, then the startupProbe's own budget, then the default; never more than `maxStartTimeoutMs`.
 */
export function startTimeoutOf(
  container: Container,
  settings: { pod: PodSettings; namespace: NamespaceSettings; cluster: ClusterSettings },
): number {
  const { pod, namespace, cluster } = settings
  const probe = container.startupProbe
  // Absent fields have the API's defaults: 0 s, every 10 s, 3 failures.
  const budgetMs =
    probe && ((probe.initialDelaySeconds ?? 0) + (probe.failureThreshold ?? 3) * (probe.periodSeconds ?? 10)) * 1000
  const timeoutMs = pod.startTimeoutMs ?? namespace.startTimeoutMs ?? budgetMs ?? cluster.startTimeoutMs
  return Math.min(timeoutMs, cluster.maxStartTimeoutMs)
}

/** The same for the containers of one pod. */
export function startTimeoutIn(
  { metadata }: Pod,
  { settings, namespaces }: Pick<LimitFacts, 'settings' | 'namespaces'>,
): (container: Container) => number {
  const startTimeoutMs = podSetting(metadata, 'startTimeoutMs')
  const written = {
    pod: startTimeoutMs === undefined ? {} : { startTimeoutMs },
    namespace: namespaces.get(metadata.namespace ?? '') ?? {},
    cluster: settings,
  }
  return container => startTimeoutOf(container, written)
}

/**
 * How long a grant for this ticket may be held, in ms: a start as long as the slowest of its containers may be starting. One
 * for several stages of a sequenced pod, as long as these may take one after another.
 */
export function timeoutOf(
  ticket: Ticket,
  pod: Pod | undefined,
  { settings, namespaces }: Pick<LimitFacts, 'settings' | 'namespaces'>,
): number {
  if (ticket.resource === 'pull') return settings.pullTimeoutMs
  if (!pod) return 0
  const startTimeout = startTimeoutIn(pod, { settings, namespaces })
  const slowest = (names: readonly string[]) =>
    names
      .flatMap(name => containerOf(pod, name) ?? [])
      .reduce((slowestMs, container) => Math.max(slowestMs, startTimeout(container)), 0)
  const asked = new Set(ticket.containers)
  const stages = sequenceOf(pod)?.stages.map(stage => stage.containers.filter(name => asked.has(name)))
  return (stages ?? [ticket.containers]).reduce((sum, names) => sum + slowest(names), 0)
}
