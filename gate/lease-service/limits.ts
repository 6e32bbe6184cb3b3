import { annotationKey, type NamespaceSettings, type PodSettings, parsePodAnnotations } from '../../core/annotations.ts'
import type { Container, Pod } from '../../core/pod.ts'
import type { Resource, Ticket } from './model.ts'
import type { NodeFacts } from './node-facts.ts'
import { containerOf, sequenceOf } from './pod-sequence.ts'

/** The chart's values. An absent limit means the default, or none where there is no default. 0 freezes. */
export interface ClusterSettings {
  cluster: { maxStarting?: number; maxPulling?: number }
  node: { maxStarting?: number; maxStartingPerCore?: number; maxPulling?: number }
  /** Part of a cluster limit that one namespace may hold; at least one slot. */
  namespaceShare: number
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
  namespaceShare: 0.75,
  startTimeoutMs: 120_000,
  maxStartTimeoutMs: 600_000,
  pullTimeoutMs: 900_000,
  settleMs: 5_000,
}

export interface LimitFacts {
  settings: ClusterSettings
  nodes: ReadonlyMap<string, NodeFacts>
  namespaces: ReadonlyMap<string, NamespaceSettings>
}

/** A place where slots of one resource are counted against a limit. */
export interface Scope {
  /** `cluster`, `node/x`, `namespace/y` or `namespace/y/node/x`. */
  id: string
  limit: number
  /** `node kind-worker` */
  subject: string
  /** Where the limit was written: `startgate.dev/max-starting: 2 on namespace shop`. */
  source: string
}

type Bound = Pick<Scope, 'limit' | 'source'>
type Place = Pick<Ticket, 'namespace' | 'nodeName'>

const CLUSTER_FIELD = { start: 'maxStarting', pull: 'maxPulling' } as const
const PER_NODE_FIELD = { start: 'maxStartingPerNode', pull: 'maxPullingPerNode' } as const

/** Where a grant's slots are counted, whether a limit is in force there or not: one may be written at any time. */
export function scopeIdsOf({ namespace, nodeName }: Place): string[] {
  return ['cluster', `node/${nodeName}`, `namespace/${namespace}`, `namespace/${namespace}/node/${nodeName}`]
}

/**
 * The limits that concern a ticket, widest first. All of them must have room, so what a namespace writes can tighten a
 * cluster limit and never loosen it. A node not known yet counts as one of a single core.
 */
export function scopesOf(ticket: Place & Pick<Ticket, 'resource'>, facts: LimitFacts): Scope[] {
  const { namespace, nodeName, resource } = ticket
  const cores = facts.nodes.get(nodeName)?.cores ?? 1
  const bounds: [Bound | undefined, string][] = [
    [clusterBound(resource, facts), 'the cluster'],
    [nodeBound(resource, facts.settings, { name: nodeName, facts: facts.nodes.get(nodeName) }), `node ${nodeName}`],
    [namespaceBound(resource, namespace, facts), `namespace ${namespace}`],
    [
      writtenPerNode(resource, facts.namespaces.get(namespace), cores, `namespace ${namespace}`),
      `namespace ${namespace} on node ${nodeName}`,
    ],
  ]
  const ids = scopeIdsOf(ticket)
  return bounds.flatMap(([bound, subject], i) => (bound ? [{ id: ids[i] ?? '', subject, ...bound }] : []))
}

function clusterBound(resource: Resource, { settings, nodes }: LimitFacts): Bound | undefined {
  const field = CLUSTER_FIELD[resource]
  const limit = settings.cluster[field]
  if (limit !== undefined) return { limit, source: `cluster.${field}: ${limit} in the chart's values` }
  if (resource === 'start') return undefined
  return { limit: Math.max(20, Math.ceil(nodes.size / 10)), source: 'the default for the cluster' }
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
      limit: Math.max(1, Math.floor(share * cluster.limit)),
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

/** The limit in force in a scope, by its id; Infinity where there is none. */
export function limitAt(resource: Resource, scopeId: string, facts: LimitFacts): number {
  const [, namespace = '', nodeName = ''] = /^(?:namespace\/([^/]+))?\/?(?:node\/([^/]+))?$/.exec(scopeId) ?? []
  return (
    scopesOf({ resource, namespace, nodeName }, facts).find(s => s.id === scopeId)?.limit ?? Number.POSITIVE_INFINITY
  )
}

/**
 * How long a grant for this ticket may be held, in ms: a start as long as the slowest of its containers may be starting. One
 * for several stages of a sequenced pod, as long as these may take one after another.
 */
export function timeoutOf(ticket: Ticket, pod: Pod | undefined, { settings, namespaces }: LimitFacts): number {
  if (ticket.resource === 'pull') return settings.pullTimeoutMs
  const written = {
    pod: parsePodAnnotations(pod?.metadata.annotations).settings,
    namespace: namespaces.get(ticket.namespace) ?? {},
    cluster: settings,
  }
  if (!pod) return 0
  const slowest = (names: readonly string[]) =>
    Math.max(0, ...names.flatMap(name => containerOf(pod, name) ?? []).map(c => startTimeoutOf(c, written)))
  const asked = new Set(ticket.containers)
  const stages = sequenceOf(pod)?.stages.map(stage => stage.containers.filter(name => asked.has(name)))
  return (stages ?? [ticket.containers]).reduce((sum, names) => sum + slowest(names), 0)
}
