import { annotationKey } from '../../../core/annotations.ts'
import { registryOf } from '../../../core/image-name.ts'
import type { Rate } from '../../../core/quantity.ts'
import type { Resource, Ticket } from '../model/grant.ts'
import { type Bound, clusterBound, heldBack, namespaceBound, nodeBound, writtenPerNode } from './bounds.ts'
import type { ClusterSettings } from './cluster-settings.ts'
import type { LimitFacts, Scope } from './scope.ts'

type Place = Pick<Ticket, 'namespace' | 'nodeName' | 'images'>

/** Where a grant's slots are counted, whether a limit is in force there or not: one may be written at any time. */
export function scopeIdsOf(place: Place): string[] {
  return ['cluster', ...ownScopeIdsOf(place), ...registriesOf(place).map(registry => `registry/${registry}`)]
}

/**
 * Of those, the ones that belong to the pod's node and namespace: what it starts without a slot is charged to them
 * alone.
 */
export function ownScopeIdsOf({ namespace, nodeName }: Omit<Place, 'images'>): string[] {
  return [`node/${nodeName}`, `namespace/${namespace}`, `namespace/${namespace}/node/${nodeName}`]
}

/** Images are of pulls only, and by their full names. */
export function registriesOf({ images }: Pick<Place, 'images'>): string[] {
  return [...new Set(images.map(registryOf))]
}

/**
 * The limits that concern a ticket, widest first. All of them must have room, so what a namespace writes can tighten a
 * cluster limit and never loosen it. A node not known yet counts as one of a single core.
 */
export function scopesOf(ticket: Place & Pick<Ticket, 'resource'>, facts: LimitFacts): Scope[] {
  const { namespace, nodeName, resource } = ticket
  const cores = facts.nodes.get(nodeName)?.cores ?? 1
  const overload = resource === 'start' ? facts.overloads?.get(nodeName) : undefined
  const nodeLimit = nodeBound(resource, facts.settings, { name: nodeName, facts: facts.nodes.get(nodeName) })
  const bounds: [Bound | undefined, string][] = [
    [clusterBound(resource, facts), 'the cluster'],
    overload && nodeLimit && nodeLimit.limit > 1
      ? heldBack(nodeName, overload, facts)
      : [nodeLimit, `node ${nodeName}`],
    [namespaceBound(resource, namespace, facts), `namespace ${namespace}`],
    [
      writtenPerNode(resource, facts.namespaces.get(namespace), cores, `namespace ${namespace}`),
      `namespace ${namespace} on node ${nodeName}`,
    ],
  ]
  const ids = scopeIdsOf(ticket)
  return [
    ...bounds.flatMap(([bound, subject], i) => (bound ? [{ id: ids[i] ?? '', subject, ...bound }] : [])),
    ...registryScopes(ticket, facts.settings),
    ...(resource === 'start' ? rateScopes(namespace, facts) : []),
  ]
}

function registryScopes(place: Pick<Place, 'images'>, { registries }: ClusterSettings): Scope[] {
  return registriesOf(place).flatMap(registry => {
    const limit = registries[registry]
    if (limit === undefined) return []
    const source = `registries.${registry}: ${limit} in the chart's values`
    return [{ id: `registry/${registry}`, limit, subject: `registry ${registry}`, source }]
  })
}

function rateScopes(namespace: string, { settings, namespaces }: LimitFacts): Scope[] {
  const cluster = settings.cluster.maxStartRate
  const ours = namespaces.get(namespace)?.maxStartRate
  const rateScope = (rate: Rate, id: string, subject: string, source: string): Scope[] => {
    const { limit, windowMs } = windowOf(rate)
    return [{ id: `rate/${id}`, limit, windowMs, subject: `the start rate of ${subject}`, source }]
  }
  return [
    ...(cluster ? rateScope(cluster, 'cluster', 'the cluster', "cluster.maxStartRate in the chart's values") : []),
    ...(ours
      ? rateScope(
          ours,
          `namespace/${namespace}`,
          `namespace ${namespace}`,
          `${annotationKey('maxStartRate')} on namespace ${namespace}`,
        )
      : []),
  ]
}

/**
 * A rate as a number of slots in a window: what a second is worth, at least one slot, in as many equal windows as make
 * the period without exceeding `count`. `10/s` is 10 in a second, `6/min` one in 10 s, `3607/h` one in 999 ms. Whole
 * ms, so what is given out is less than written by a hundredth or so, and never more.
 */
export function windowOf({ count, periodMs }: Rate): { limit: number; windowMs: number } {
  const limit = Math.max(1, Math.floor((count * 1_000) / periodMs))
  return { limit, windowMs: Math.ceil(periodMs / Math.floor(count / limit)) }
}

/** The limit in force in a scope, by its id; Infinity where there is none. */
export function limitAt(resource: Resource, scopeId: string, facts: LimitFacts): number {
  const [, namespace = '', nodeName = ''] =
    /^(?:rate\/)?(?:namespace\/([^/]+))?\/?(?:node\/([^/]+))?$/.exec(scopeId) ?? []
  const images = scopeId.startsWith('registry/') ? [`${scopeId.slice('registry/'.length)}/`] : []
  const scopes = scopesOf({ resource, namespace, nodeName, images }, facts)
  return scopes.find(s => s.id === scopeId)?.limit ?? Number.POSITIVE_INFINITY
}
