import { isDeepStrictEqual } from 'node:util'
import { type NodeSettings, parseNodeAnnotations } from '../../../core/annotations.ts'
import { keepLastGood, type SettingsFold } from '../../../core/last-good.ts'
import { type NodePool, poolOf } from '../../../core/node-pool.ts'
import type { Node } from '../../../core/pod.ts'
import { parseQuantity } from '../../../core/quantity.ts'
import { imageKeyOf } from './image-key.ts'

/** What the ledger knows of a node. The limits are those its own annotations give. */
export interface NodeFacts extends NodeSettings {
  /** Whole or broken, as `capacity.cpu` says; 1 when it says nothing. */
  cores: number
  /** Ready is Unknown: the kubelet has not been heard of for the node monitor's grace period. */
  lost: boolean
  /** Keys of the images in `status.images`, which lists 50 unless configured. */
  images: ReadonlySet<string>
  /** The pool of the chart's values that it is in, by its labels. */
  pool?: NodePool
}

const LIMITS = ['maxStartingPerNode', 'maxStartingPerCore', 'maxPullingPerNode', 'maxPressure'] as const

/**
 * Whether two sights of a node make no difference to any limit: the kubelet tells of itself every few minutes.
 * `maxPressure` is not compared: it changes a limit only by holding the node back, or no longer, and Overloads counts
 * such changes itself (`version`).
 */
export function haveSameLimits(a: NodeFacts, b: NodeFacts): boolean {
  return (
    a.cores === b.cores && a.pool === b.pool && LIMITS.every(field => field === 'maxPressure' || a[field] === b[field])
  )
}

/** Whether two sights of a node make no difference to anybody. */
export function areSame(a: NodeFacts, b: NodeFacts): boolean {
  const haveSameImages = a.images.size === b.images.size && a.images.isSubsetOf(b.images)
  return a.lost === b.lost && haveSameImages && haveSameLimits(a, b) && isDeepStrictEqual(a.maxPressure, b.maxPressure)
}

export type NodeFold = SettingsFold<NodeSettings>

/** Folds one more observation of a node into what was in force; `before` may be all that is known of the node. */
export function foldNode(before: NodeSettings | undefined, node: Node): NodeFold {
  return keepLastGood(before && settingsIn(before), parseNodeAnnotations(node.metadata.annotations))
}

function settingsIn(facts: NodeSettings): NodeSettings {
  return Object.fromEntries(LIMITS.flatMap(field => (facts[field] === undefined ? [] : [[field, facts[field]]])))
}

/** A node of which no more is kept than is read, its images as they are compared with a pod's. */
export class SeenNode implements Node {
  readonly metadata: Node['metadata']
  readonly status: NonNullable<Node['status']>
  readonly images: ReadonlySet<string>

  constructor({ metadata, status }: Required<Pick<Node, 'metadata' | 'status'>>, images: ReadonlySet<string>) {
    this.metadata = metadata
    this.status = status
    this.images = images
  }
}

/** Keys of the images that a node lists (image-key.ts). */
export function imagesListedBy(node: Node): ReadonlySet<string> {
  if (node instanceof SeenNode) return node.images
  return new Set((node.status?.images ?? []).flatMap(i => i.names ?? []).map(imageKeyOf))
}

/** Reads a node; `before` as in `foldNode`. */
export function nodeFactsOf(node: Node, before?: NodeSettings, pools: readonly NodePool[] = []): NodeFacts {
  const pool = poolOf(pools, node.metadata.labels)
  return {
    cores: parseQuantity(node.status?.capacity?.cpu) ?? 1,
    lost: (node.status?.conditions ?? []).some(c => c.type === 'Ready' && c.status === 'Unknown'),
    images: imagesListedBy(node),
    ...(pool && { pool }),
    ...foldNode(before, node).settings,
  }
}
