import { podSetting } from '../../../core/annotations.ts'
import type { Container, Pod } from '../../../core/pod.ts'
import { startTimeoutOf } from '../../../core/start-timeout.ts'
import type { Ticket } from '../model/grant.ts'
import { containerOf, sequenceOf } from '../pods/pod-sequence.ts'
import type { LimitFacts } from './scope.ts'

/** How long each container of one pod may be starting (core/start-timeout.ts). */
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
 * How long a grant for this ticket may be held, in ms: a start as long as the slowest of its containers may be
 * starting. One for several stages of a sequenced pod, as long as these may take one after another.
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
