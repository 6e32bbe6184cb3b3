import { annotationKey } from '../../../core/annotations.ts'
import type { Rate } from '../../../core/quantity.ts'
import type { AutoLimit } from '../auto/auto-limit.ts'
import type { Resource, Ticket } from '../model/grant.ts'
import { type Bound, clusterBound, heldBack, namespaceBound, nodeBound, writtenPerNode } from './bounds.ts'
import type { ClusterSettings } from './cluster-settings.ts'
import { autoLimitOn } from './node-auto.ts'
import { rampAt, rampScopes } from './pull-ramp.ts'
import type { LimitFacts, Scope } from './scope.ts'
import {
  CLUSTER,
  ownScopeRefsOf,
  type Place,
  registriesOf,
  type ScopeAt,
  type ScopeRef,
  scopeRef,
} from './scope-ref.ts'

/**
 * The limits that concern a ticket, widest first. All of them must have room, so what a namespace writes can tighten a
 * cluster limit and never loosen it. A node not known yet counts as one of a single core.
 */
export function scopesOf(ticket: Place & Pick<Ticket, 'resource'>, facts: LimitFacts): Scope[] {
  const { namespace, nodeName, resource } = ticket
  const cores = facts.nodes.get(nodeName)?.cores ?? 1
  const auto = autoLimitOn(nodeName, facts)
  const measures = { cores, auto: auto.limit }
  const ofNamespace = writtenPerNode(resource, facts.namespaces.get(namespace), measures, `namespace ${namespace}`)
  const onNode = `namespace ${namespace} on node ${nodeName}`
  const bounds: [Bound | undefined, string][] = [
    [clusterBound(resource, facts), 'the cluster'],
    boundOnNode(resource, nodeName, { facts, auto }),
    [namespaceBound(resource, namespace, facts), `namespace ${namespace}`],
    [ofNamespace, ofNamespace?.isAuto ? autoSubject(onNode, auto) : onNode],
  ]
  const refs = [CLUSTER, ...ownScopeRefsOf(ticket)]
  return [
    ...bounds.flatMap(([bound, subject], i) => (bound ? [{ ...(refs[i] ?? CLUSTER), subject, ...bound }] : [])),
    ...registryScopes(ticket, facts.settings),
    ...rampScopes(ticket, facts),
    ...(resource === 'start' ? rateScopes(namespace, facts) : []),
  ]
}

/** The limit of a node, and what it is the limit of, in words. */
function boundOnNode(
  resource: Resource,
  nodeName: string,
  { facts, auto }: { facts: LimitFacts; auto: AutoLimit },
): [Bound | undefined, string] {
  const overload = resource === 'start' ? facts.overloads?.get(nodeName) : undefined
  const node = { name: nodeName, facts: facts.nodes.get(nodeName), auto: auto.limit }
  const written = nodeBound(resource, facts.settings, node)
  if (overload && written && written.limit > 1) return heldBack(nodeName, overload, facts)
  return [written, written?.isAuto ? autoSubject(`node ${nodeName}`, auto) : `node ${nodeName}`]
}

/** `node kind-worker, auto: 3 now, CPU 96 % busy,` */
function autoSubject(of: string, { limit, reason }: AutoLimit): string {
  return `${of}, auto: ${limit} now, ${reason},`
}

/** The limit in force on a node; Infinity where there is none. */
export function nodeLimitAt(resource: Resource, nodeName: string, facts: LimitFacts): number {
  return (
    boundOnNode(resource, nodeName, { facts, auto: autoLimitOn(nodeName, facts) })[0]?.limit ?? Number.POSITIVE_INFINITY
  )
}

function registryScopes(place: Pick<Place, 'images'>, { registries }: ClusterSettings): Scope[] {
  return registriesOf(place).flatMap(registry => {
    const limit = registries[registry]
    if (limit === undefined) return []
    const source = `limits.registries.${registry}: ${limit} in the chart's values`
    return [{ ...scopeRef({ kind: 'registry', registry }), limit, subject: `registry ${registry}`, source }]
  })
}

function rateScopes(namespace: string, { settings, namespaces }: LimitFacts): Scope[] {
  const cluster = settings.cluster.maxStartRate
  const ours = namespaces.get(namespace)?.maxStartRate
  const rateScope = (rate: Rate | undefined, at: ScopeAt, subject: string, source: string): Scope[] =>
    rate ? [{ ...scopeRef(at), ...windowOf(rate), subject: `the start rate of ${subject}`, source }] : []
  const key = annotationKey('maxStartRate')
  return [
    ...rateScope(cluster, { kind: 'cluster-rate' }, 'the cluster', "limits.cluster.maxStartRate in the chart's values"),
    ...rateScope(
      ours,
      { kind: 'namespace-rate', namespace },
      `namespace ${namespace}`,
      `${key} on namespace ${namespace}`,
    ),
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

/** The limit in force in a scope; Infinity where there is none. */
export function limitAt(resource: Resource, ref: ScopeRef, facts: LimitFacts): number {
  return scopeAt(resource, ref, facts)?.limit ?? Number.POSITIVE_INFINITY
}

/** A scope with its limit and where that was written; undefined where there is none. */
export function scopeAt(resource: Resource, { at, id }: ScopeRef, facts: LimitFacts): Scope | undefined {
  if (at.kind === 'image') return rampAt(at.image, facts)
  return scopesOf({ resource, ...placeIn(at) }, facts).find(scope => scope.id === id)
}

/** A place of which the scope is one. */
function placeIn(at: ScopeAt): Place {
  return {
    namespace: 'namespace' in at ? at.namespace : '',
    nodeName: 'node' in at ? at.node : '',
    images: at.kind === 'registry' ? [`${at.registry}/`] : [],
  }
}
