import type { Grant, Ticket } from '../lease-service/model/grant.ts'
import { imageKeyOf } from '../lease-service/pods/image-key.ts'
import type { LimitTruth } from './truth.ts'

/** What decides which limits concern a grant. */
export type Place = Pick<Grant, 'namespace' | 'nodeName' | 'images'>

/** Which slots count in a limit. */
export type Covers = (place: Place) => boolean

export interface Limit {
  /** As the ledger's gauges have it. */
  id: string
  /** In words. */
  scope: string
  limit: number
  covers: Covers
  /** Slots of one namespace that count there at most. */
  share?: number
  /** Starts without a slot are charged to their node and namespace alone. */
  hasDebt: boolean
}

/** What the leader goes by of what nodes have told. */
export interface Told {
  isHeldBack(nodeName: string): boolean
  /** What `auto` comes to there. */
  autoOn(nodeName: string): number
}

export type Asked = Place & Pick<Ticket, 'resource'>

const NONE = Number.POSITIVE_INFINITY

/**
 * Test support. The limits in force for a place by what is true in the simulated cluster, with none of the lease
 * service's code; Infinity where there is none.
 */
export function limitsInForce(asked: Asked, truth: LimitTruth, told: Told): Limit[] {
  const cluster = clusterLimit(asked, truth)
  const share = Math.max(1, Math.floor(cluster * truth.settings.namespaceShare))
  const isStart = asked.resource === 'start'
  return [
    { id: 'cluster', scope: 'cluster', limit: cluster, covers: () => true, hasDebt: false, ...(isStart && { share }) },
    nodeLimit(asked, truth, told),
    namespaceLimit(asked, truth, share),
    namespaceOnNodeLimit(asked, truth, told),
    ...registryLimits(asked, truth),
    ...rampLimits(asked, truth),
  ]
}

function clusterLimit({ resource }: Asked, { settings: { cluster } }: LimitTruth): number {
  return resource === 'start' ? (cluster.maxStarting ?? NONE) : (cluster.maxPulling ?? 20)
}

/** Under pressure a node starts one at a time, and none where its limit is 0. */
function nodeLimit({ resource, nodeName }: Asked, { settings, nodes }: LimitTruth, told: Told): Limit {
  const id = `node/${nodeName}`
  const scope = `node ${nodeName}`
  const covers = (place: Place) => place.nodeName === nodeName
  const { cores = 1, annotation, pool: label } = nodes.get(nodeName) ?? {}
  const pool = settings.nodePools.find(({ matchLabels }) => matchLabels.pool === label)
  if (resource === 'pull')
    return { id, scope, limit: pool?.maxPulling ?? settings.node.maxPulling ?? 1, covers, hasDebt: false }
  const number = annotation ?? pool?.maxStarting ?? settings.node.maxStarting ?? Math.max(2, cores)
  const limit = number === 'auto' ? told.autoOn(nodeName) : number
  return told.isHeldBack(nodeName)
    ? { id, scope: `${scope} under pressure`, limit: Math.min(1, limit), covers, hasDebt: true }
    : { id, scope, limit, covers, hasDebt: true }
}

function namespaceLimit({ resource, namespace }: Asked, { namespaces }: LimitTruth, share: number): Limit {
  const { maxStarting, maxPulling } = namespaces.get(namespace) ?? {}
  const isStart = resource === 'start'
  return {
    id: `namespace/${namespace}`,
    scope: `namespace ${namespace}`,
    limit: Math.min((isStart ? maxStarting : maxPulling) ?? NONE, share),
    covers: place => place.namespace === namespace,
    hasDebt: isStart,
  }
}

function namespaceOnNodeLimit(
  { resource, namespace, nodeName }: Asked,
  { namespaces, nodes }: LimitTruth,
  told: Told,
): Limit {
  const ours = namespaces.get(namespace) ?? {}
  const isStart = resource === 'start'
  const number = (isStart ? ours.maxStartingPerNode : ours.maxPullingPerNode) ?? NONE
  const perNode = number === 'auto' ? told.autoOn(nodeName) : number
  const perCore = isStart ? slotsOf(ours.maxStartingPerCore, nodes.get(nodeName)?.cores ?? 1) : NONE
  return {
    id: `namespace/${namespace}/node/${nodeName}`,
    scope: `namespace ${namespace} on node ${nodeName}`,
    limit: Math.min(perNode, perCore),
    covers: place => place.nodeName === nodeName && place.namespace === namespace,
    hasDebt: isStart,
  }
}

/** A limit that is given per core: at least one slot, but none at all when it is 0. */
function slotsOf(perCore: number | undefined, cores: number): number {
  if (perCore === undefined) return NONE
  return perCore && Math.max(1, Math.floor(perCore * cores))
}

function registryLimits({ images }: Asked, { settings }: LimitTruth): Limit[] {
  return [...new Set(images.map(registryOf))].map(registry => ({
    id: `registry/${registry}`,
    scope: `registry ${registry}`,
    limit: settings.registries[registry] ?? NONE,
    covers: place => place.images.some(image => registryOf(image) === registry),
    hasDebt: false,
  }))
}

/** No more pull an image than twice the nodes that have it, and one at least. */
function rampLimits({ namespace, images }: Asked, { settings, namespaces, images: onNodes }: LimitTruth): Limit[] {
  if (!settings.pullRamp && !namespaces.get(namespace)?.pullRamp) return []
  return [...new Set(images)].map(image => {
    const have = [...onNodes.values()].filter(there => [...there].some(name => imageKeyOf(name) === image)).length
    return {
      id: `image/${image}`,
      scope: `image ${image}, on ${have} nodes`,
      limit: Math.max(1, 2 * have),
      covers: place => place.images.includes(image),
      hasDebt: false,
    }
  })
}

function registryOf(image: string): string {
  return image.split('/')[0] ?? ''
}
