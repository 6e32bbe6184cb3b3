import { OF_THE_SHARE } from '../../gate/lease-service/limits/bounds.ts'
import type { ClusterSettings } from '../../gate/lease-service/limits/cluster-settings.ts'
import { scopesOf as scopesByLimits } from '../../gate/lease-service/limits/scopes.ts'
import type { PlanLimit, PlanWorld } from './model.ts'
import { limitKey } from './obstacles.ts'

/** The same world, and the limits in it, with one more slot of one limit, wherever that holds. */
export function withOneMore(
  world: PlanWorld,
  raised: PlanLimit,
): { world: PlanWorld; scopesOf: typeof scopesByLimits } {
  const settings = settingsWithOneMore(world.facts.settings, raised)
  if (settings) return { world: { ...world, facts: { ...world.facts, settings } }, scopesOf: scopesByLimits }
  const key = `${raised.kind} ${raised.source}`
  const scopesOf: typeof scopesByLimits = (ticket, facts) =>
    scopesByLimits(ticket, facts).map(scope => (limitKey(scope) === key ? { ...scope, limit: scope.limit + 1 } : scope))
  return { world, scopesOf }
}

/** What other limits depend on, too: the cluster's limit, and the share that a namespace may hold of it. */
function settingsWithOneMore(
  settings: ClusterSettings,
  { kind, source, limit }: PlanLimit,
): ClusterSettings | undefined {
  const { maxStarting } = settings.cluster
  if (maxStarting === undefined || maxStarting === 0) return undefined
  if (kind === 'cluster') return { ...settings, cluster: { ...settings.cluster, maxStarting: maxStarting + 1 } }
  if (kind !== 'namespace' || !source.startsWith(OF_THE_SHARE)) return undefined
  // Rounded down to whole slots, which a number without an end would miss.
  return { ...settings, namespaceShare: Math.min(1, (limit + 1 + 1e-6) / maxStarting) }
}
