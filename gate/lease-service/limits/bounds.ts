import { annotationKey, type NamespaceSettings } from '../../../core/annotations.ts'
import { AUTO } from '../../../core/quantity.ts'
import { usualLimit } from '../auto/bounds.ts'
import type { Resource } from '../model/grant.ts'
import type { NodeFacts } from '../pods/node-facts.ts'
import type { ClusterSettings } from './cluster-settings.ts'
import type { Overload } from './overloads.ts'
import type { LimitFacts, Scope } from './scope.ts'

/** A limit and where it was written. */
export type Bound = Pick<Scope, 'limit' | 'source' | 'isHeldBack' | 'isAuto' | 'share'>

const CLUSTER_FIELD = { start: 'maxStarting', pull: 'maxPulling' } as const
/** How the source of a limit begins that is a namespace's part of the cluster's. */
export const OF_THE_SHARE = "a namespace's share"
const PER_NODE_FIELD = { start: 'maxStartingPerNode', pull: 'maxPullingPerNode' } as const

/** A node under pressure starts one at a time: pressure that others make slows it, and never stops it. */
export function heldBack(
  nodeName: string,
  { resource, percent, maxPercent }: Overload,
  { nodes }: LimitFacts,
): [Bound, string] {
  const { maxPressure, pool } = nodes.get(nodeName) ?? {}
  const source = maxPressure
    ? `${annotationKey('maxPressure')}: ${resource}: ${maxPercent} on node ${nodeName}`
    : chart(pool?.maxPressure ? pool.name : 'node', `maxPressure.${resource}`, maxPercent)
  return [
    { limit: 1, source, isHeldBack: true },
    `node ${nodeName}, under ${resource} pressure of ${Math.round(percent)} % (at most ${maxPercent} %),`,
  ]
}

/** A freeze, as `kubectl startgate freeze` writes it: of a namespace, or on startgate's own of the cluster. */
function freezeOn(namespace: string | undefined, { namespaces }: LimitFacts): Bound | undefined {
  const frozen = namespace === undefined ? undefined : namespaces.get(namespace)?.frozen
  if (frozen === undefined) return undefined
  return { limit: 0, source: `${annotationKey('frozen')}: ${frozen} on namespace ${namespace}` }
}

export function clusterBound(resource: Resource, facts: LimitFacts): Bound | undefined {
  const written = writtenForCluster(resource, facts)
  const freeze = freezeOn(facts.settings.ownNamespace, facts)
  return freeze ? { ...written, ...freeze } : written
}

function writtenForCluster(resource: Resource, { settings, nodes }: LimitFacts): Bound | undefined {
  const field = CLUSTER_FIELD[resource]
  const limit = settings.cluster[field]
  const share = resource === 'start' ? startShareOf(settings) : undefined
  if (limit !== undefined)
    return { limit, source: chart('cluster', field, limit), ...(share !== undefined && { share }) }
  if (resource === 'start') return undefined
  return { limit: Math.max(20, Math.ceil(nodes.size / 10)), source: 'the default for the cluster' }
}

/** Slots of a cluster limit that one namespace may hold. */
function partOf(limit: number, { namespaceShare }: ClusterSettings): number {
  return Math.max(1, Math.floor(namespaceShare * limit))
}

/**
 * Start slots that one namespace may hold of the cluster's limit, and counts for there at most; undefined where there
 * is no limit.
 */
export function startShareOf(settings: ClusterSettings): number | undefined {
  const { maxStarting } = settings.cluster
  return maxStarting === undefined ? undefined : partOf(maxStarting, settings)
}

/** A node as its limits go by it. */
export interface LimitedNode {
  name: string
  facts: NodeFacts | undefined
  /** What `auto` comes to there. */
  auto: number
}

/**
 * A node's own annotations replace what the chart says of nodes, upwards too: they are the administrator's. What the
 * chart says of its pool goes before what it says of all.
 */
export function nodeBound(resource: Resource, settings: ClusterSettings, node: LimitedNode): Bound | undefined {
  const cores = node.facts?.cores ?? 1
  const own = writtenPerNode(resource, node.facts, { cores, auto: node.auto }, `node ${node.name}`)
  if (own) return own
  const chartOf = (limits: ChartLimits | undefined, part: string) =>
    resource === 'pull' ? pullBound(limits, part) : startBound(limits, part, { cores, auto: node.auto })
  return (
    chartOf(node.facts?.pool, node.facts?.pool?.name ?? '') ??
    chartOf(settings.node, 'node') ?? {
      limit: resource === 'pull' ? 1 : usualLimit(cores),
      source: 'the default for a node',
    }
  )
}

type ChartLimits = Pick<ClusterSettings['node'], 'maxStarting' | 'maxStartingPerCore' | 'maxPulling'>

/** What a per-node limit is worked out from. */
type Measures = Pick<LimitedNode, 'auto'> & { cores: number }

function pullBound(limits: ChartLimits | undefined, part: string): Bound | undefined {
  const value = limits?.maxPulling
  return value === undefined ? undefined : { limit: value, source: chart(part, 'maxPulling', value) }
}

/** The limit on a node that this part of the chart's values gives. */
function startBound(limits: ChartLimits | undefined, part: string, { cores, auto }: Measures): Bound | undefined {
  const { maxStarting, maxStartingPerCore: factor } = limits ?? {}
  return lowest([
    maxStarting === undefined ? undefined : countOrAuto(maxStarting, auto, chart(part, 'maxStarting', maxStarting)),
    factor === undefined
      ? undefined
      : { limit: timesCores(factor, cores), source: chart(part, 'maxStartingPerCore', factor) },
  ])
}

function countOrAuto(value: number | typeof AUTO, auto: number, source: string): Bound {
  return value === AUTO ? { limit: auto, source, isAuto: true } : { limit: value, source }
}

export function namespaceBound(resource: Resource, namespace: string, facts: LimitFacts): Bound | undefined {
  const field = CLUSTER_FIELD[resource]
  const cluster = writtenForCluster(resource, facts)
  const share = facts.settings.namespaceShare
  return lowest([
    freezeOn(namespace, facts),
    written(field, facts.namespaces.get(namespace)?.[field], `namespace ${namespace}`),
    cluster && {
      limit: partOf(cluster.limit, facts.settings),
      source: `${OF_THE_SHARE}, ${Math.round(share * 100)} % of the cluster's ${cluster.limit}`,
    },
  ])
}

type PerNodeLimits = Pick<NamespaceSettings, 'maxStartingPerNode' | 'maxStartingPerCore' | 'maxPullingPerNode'>

/** The per-node limit that the annotations of a namespace or node give. */
export function writtenPerNode(
  resource: Resource,
  limits: PerNodeLimits | undefined,
  { cores, auto }: Measures,
  on: string,
): Bound | undefined {
  const value = limits?.[PER_NODE_FIELD[resource]]
  const perNode =
    value === undefined ? undefined : countOrAuto(value, auto, annotated(PER_NODE_FIELD[resource], value, on))
  const perCore = resource === 'start' ? limits?.maxStartingPerCore : undefined
  const byCores = written('maxStartingPerCore', perCore, on)
  return lowest([perNode, byCores && { ...byCores, limit: timesCores(byCores.limit, cores) }])
}

function written(field: string, value: number | undefined, on: string): Bound | undefined {
  return value === undefined ? undefined : { limit: value, source: annotated(field, value, on) }
}

function annotated(field: string, value: number | typeof AUTO, on: string): string {
  return `${annotationKey(field)}: ${value} on ${on}`
}

function chart(part: string, field: string, value: number | typeof AUTO): string {
  return `limits.${part}.${field}: ${value} in the chart's values`
}

/** At least one, or a small node would be frozen by a factor that nobody meant as a freeze. */
function timesCores(factor: number, cores: number): number {
  return factor === 0 ? 0 : Math.max(1, Math.floor(factor * cores))
}

function lowest(bounds: (Bound | undefined)[]): Bound | undefined {
  return bounds
    .filter(b => b !== undefined)
    .reduce<Bound | undefined>((a, b) => (a && a.limit <= b.limit ? a : b), undefined)
}
