import { annotationKey, type NamespaceSettings, type PodSettings, podSetting } from '../../../core/annotations.ts'
import { registryOf } from '../../../core/image-name.ts'
import type { Container, Pod } from '../../../core/pod.ts'
import type { Pressure } from '../../../core/pressure.ts'
import type { Rate } from '../../../core/quantity.ts'
import type { Resource, Ticket } from '../model/grant.ts'
import type { NodeFacts } from '../pods/node-facts.ts'
import { containerOf, sequenceOf } from '../pods/pod-sequence.ts'
import type { Overload } from './node-pressure.ts'

/** The chart's values. An absent limit means the default, or none where there is no default. 0 freezes. */
export interface ClusterSettings {
  cluster: { maxStarting?: number; maxPulling?: number; maxStartRate?: Rate; minStartRate?: Rate }
  node: { maxStarting?: number; maxStartingPerCore?: number; maxPulling?: number; maxPressure?: Pressure }
  /** Pulls from a registry, by its host name. */
  registries: Readonly<Record<string, number>>
  /** Part of a cluster limit that one namespace may hold; at least one slot. */
  namespaceShare: number
  /** How long full limits may hold a pod back. */
  maxWaitMs?: number
  /** Whether namespaces may write `min-start-rate` and `max-wait`. */
  allowFloor: boolean
  /** Whether namespaces may write `weight`. */
  allowWeight: boolean
  startTimeoutMs: number
  /** No start timeout is longer, wherever it comes from: one pod must not hold a slot for a day. */
  maxStartTimeoutMs: number
  pullTimeoutMs: number
  /** How long a container without probes counts as starting. */
  settleMs: number
}

export const DEFAULT_SETTINGS: ClusterSettings = {
  cluster: {},
  node: {},
  registries: {},
  namespaceShare: 0.75,
  allowFloor: false,
  allowWeight: false,
  startTimeoutMs: 120_000,
  maxStartTimeoutMs: 600_000,
  pullTimeoutMs: 900_000,
  settleMs: 5_000,
}

export interface LimitFacts {
  settings: ClusterSettings
  nodes: ReadonlyMap<string, NodeFacts>
  namespaces: ReadonlyMap<string, NamespaceSettings>
  /** Nodes under more pressure than allowed, by name. */
  overloads?: ReadonlyMap<string, Overload>
}

/** A place where slots of one resource are counted against a limit. */
export interface Scope {
  /** `cluster`, `node/x`, `namespace/y`, `namespace/y/node/x` or `registry/z`; of rates `rate/cluster` or `rate/namespace/y`. */
  id: string
  limit: number
  /** Slots of one namespace that count here at most, where it may hold only a part of the limit. */
  share?: number
  /** Of rates: slots given out within this time count. */
  windowMs?: number
  /** `node kind-worker` */
  subject: string
  /** Where the limit was written: `startgate.dev/max-starting: 2 on namespace shop`. */
  source: string
  /** The limit is low because the node is under pressure, not because somebody wrote it. */
  isHeldBack?: true
}

type Bound = Pick<Scope, 'limit' | 'source' | 'isHeldBack' | 'share'>
type Place = Pick<Ticket, 'namespace' | 'nodeName' | 'images'>

const CLUSTER_FIELD = { start: 'maxStarting', pull: 'maxPulling' } as const
const PER_NODE_FIELD = { start: 'maxStartingPerNode', pull: 'maxPullingPerNode' } as const

/** Where a grant's slots are counted, whether a limit is in force there or not: one may be written at any time. */
export function scopeIdsOf(place: Place): string[] {
  return ['cluster', ...ownScopeIdsOf(place), ...registriesOf(place).map(registry => `registry/${registry}`)]
}

/** Of those, the ones that belong to the pod's node and namespace: what it starts without a slot is charged to them alone. */
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

/** A node under pressure starts one at a time: pressure that others make slows it, and never stops it. */
function heldBack(
  nodeName: string,
  { resource, percent, maxPercent }: Overload,
  { nodes }: LimitFacts,
): [Bound, string] {
  const source = nodes.get(nodeName)?.maxPressure
    ? `${annotationKey('maxPressure')}: ${resource}: ${maxPercent} on node ${nodeName}`
    : `node.maxPressure.${resource}: ${maxPercent} in the chart's values`
  return [
    { limit: 1, source, isHeldBack: true },
    `node ${nodeName}, under ${resource} pressure of ${Math.round(percent)} % (at most ${maxPercent} %),`,
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
 * A rate as a number of slots in a window: what a second is worth, at least one slot, in as many equal windows as make the period without
 * exceeding `count`. `10/s` is 10 in a second, `6/min` one in 10 s, `3607/h` one in 999 ms. Whole ms, so what is given out is less than written by
 * a hundredth or so, and never more.
 */
export function windowOf({ count, periodMs }: Rate): { limit: number; windowMs: number } {
  const limit = Math.max(1, Math.floor((count * 1_000) / periodMs))
  return { limit, windowMs: Math.ceil(periodMs / Math.floor(count / limit)) }
}

function clusterBound(resource: Resource, { settings, nodes }: LimitFacts): Bound | undefined {
  const field = CLUSTER_FIELD[resource]
  const limit = settings.cluster[field]
  const share = resource === 'start' ? startShareOf(settings) : undefined
  const source = `cluster.${field}: ${limit} in the chart's values`
  if (limit !== undefined) return { limit, source, ...(share !== undefined && { share }) }
  if (resource === 'start') return undefined
  return { limit: Math.max(20, Math.ceil(nodes.size / 10)), source: 'the default for the cluster' }
}

/** Slots of a cluster limit that one namespace may hold. */
function partOf(limit: number, { namespaceShare }: ClusterSettings): number {
  return Math.max(1, Math.floor(namespaceShare * limit))
}

/** Start slots that one namespace may hold of the cluster's limit, and counts for there at most; undefined where there is no limit. */
export function startShareOf(settings: ClusterSettings): number | undefined {
  const { maxStarting } = settings.cluster
  return maxStarting === undefined ? undefined : partOf(maxStarting, settings)
}

/** A node's own annotations replace what the chart says of nodes, upwards too: they are the administrator's. */
function nodeBound(
  resource: Resource,
  settings: ClusterSettings,
  node: { name: string; facts: NodeFacts | undefined },
): Bound | undefined {
  const cores = node.facts?.cores ?? 1
  const own = writtenPerNode(resource, node.facts, cores, `node ${node.name}`)
  if (own) return own
  if (resource === 'pull') {
    const limit = settings.node.maxPulling
    return limit === undefined
      ? { limit: 1, source: 'the default for a node' }
      : { limit, source: chart('maxPulling', limit) }
  }
  const { maxStarting, maxStartingPerCore } = settings.node
  return (
    lowest([
      maxStarting === undefined ? undefined : { limit: maxStarting, source: chart('maxStarting', maxStarting) },
      maxStartingPerCore === undefined
        ? undefined
        : { limit: timesCores(maxStartingPerCore, cores), source: chart('maxStartingPerCore', maxStartingPerCore) },
    ]) ?? { limit: Math.max(2, Math.floor(cores)), source: 'the default for a node' }
  )
}

function namespaceBound(resource: Resource, namespace: string, facts: LimitFacts): Bound | undefined {
  const field = CLUSTER_FIELD[resource]
  const cluster = clusterBound(resource, facts)
  const share = facts.settings.namespaceShare
  return lowest([
    written(field, facts.namespaces.get(namespace)?.[field], `namespace ${namespace}`),
    cluster && {
      limit: partOf(cluster.limit, facts.settings),
      source: `a namespace's share, ${Math.round(share * 100)} % of the cluster's ${cluster.limit}`,
    },
  ])
}

type PerNodeLimits = Pick<NamespaceSettings, 'maxStartingPerNode' | 'maxStartingPerCore' | 'maxPullingPerNode'>

/** The per-node limit that the annotations of a namespace or node give. */
function writtenPerNode(
  resource: Resource,
  limits: PerNodeLimits | undefined,
  cores: number,
  on: string,
): Bound | undefined {
  const perNode = written(PER_NODE_FIELD[resource], limits?.[PER_NODE_FIELD[resource]], on)
  const perCore = resource === 'start' ? limits?.maxStartingPerCore : undefined
  const byCores = written('maxStartingPerCore', perCore, on)
  return lowest([perNode, byCores && { ...byCores, limit: timesCores(byCores.limit, cores) }])
}

function written(field: string, value: number | undefined, on: string): Bound | undefined {
  return value === undefined ? undefined : { limit: value, source: `${annotationKey(field)}: ${value} on ${on}` }
}

function chart(field: string, value: number): string {
  return `node.${field}: ${value} in the chart's values`
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

/** The limit in force in a scope, by its id; Infinity where there is none. */
export function limitAt(resource: Resource, scopeId: string, facts: LimitFacts): number {
  const [, namespace = '', nodeName = ''] =
    /^(?:rate\/)?(?:namespace\/([^/]+))?\/?(?:node\/([^/]+))?$/.exec(scopeId) ?? []
  const images = scopeId.startsWith('registry/') ? [`${scopeId.slice('registry/'.length)}/`] : []
  const scopes = scopesOf({ resource, namespace, nodeName, images }, facts)
  return scopes.find(s => s.id === scopeId)?.limit ?? Number.POSITIVE_INFINITY
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
