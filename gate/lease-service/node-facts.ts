import { annotationKey, type NodeSettings, parseNodeAnnotations } from '../../core/annotations.ts'
import { fullImageName } from '../../core/image-name.ts'
import type { Node } from '../../core/pod.ts'
import { parseQuantity } from '../../core/quantity.ts'

/** What the ledger knows of a node. The limits are those its own annotations give. */
export interface NodeFacts extends NodeSettings {
  /** Whole or broken, as `capacity.cpu` says; 1 when it says nothing. */
  cores: number
  /** Ready is Unknown: the kubelet has not been heard of for the node monitor's grace period. */
  lost: boolean
  /** Full names of the images in `status.images`, which lists 50 unless configured. */
  images: ReadonlySet<string>
}

const LIMITS = ['maxStartingPerNode', 'maxStartingPerCore', 'maxPullingPerNode', 'maxPressure'] as const

/** Reads a node. A bad annotation keeps the value it had in `before`. */
export function nodeFactsOf(node: Node, before?: NodeFacts): NodeFacts {
  const { settings, problems } = parseNodeAnnotations(node.metadata.annotations)
  const bad = new Set(problems.map(p => p.field))
  const kept = LIMITS.flatMap(field => {
    const value = bad.has(annotationKey(field)) ? before?.[field] : settings[field]
    return value === undefined ? [] : [[field, value]]
  })
  return {
    cores: parseQuantity(node.status?.capacity?.cpu) ?? 1,
    lost: (node.status?.conditions ?? []).some(c => c.type === 'Ready' && c.status === 'Unknown'),
    images: new Set((node.status?.images ?? []).flatMap(i => i.names ?? []).map(fullImageName)),
    ...(Object.fromEntries(kept) as NodeSettings),
  }
}
