import type { NamespaceSettings } from '../../../core/annotations.ts'
import type { AutoLimits } from '../auto/auto-limit.ts'
import type { NodeFacts } from '../pods/node-facts.ts'
import type { ClusterSettings } from './cluster-settings.ts'
import type { Overloads } from './overloads.ts'
import type { ScopeRef } from './scope-ref.ts'

/** On how many nodes images are, by their keys (image-key.ts). */
export interface ImageSpread {
  /** As far as it is known: an image is on no fewer nodes. */
  onNodes(image: string): number
  /** A gate waits to pull it under a ramp. */
  isWanted(image: string): boolean
  /** As a pod wrote it, for sentences; undefined where none did lately. */
  nameOf(image: string): string | undefined
}

export interface LimitFacts {
  settings: ClusterSettings
  nodes: ReadonlyMap<string, NodeFacts>
  namespaces: ReadonlyMap<string, NamespaceSettings>
  /** Nodes under more pressure than allowed, by name. */
  overloads?: Pick<Overloads, 'get'>
  /** What `auto` comes to on each node; absent: on all what an unlimited node has. */
  autos?: AutoLimits
  /** What the pull ramp goes by; without it every image is on no node. */
  images?: ImageSpread
}

/** A place where slots of one resource are counted against a limit. */
export interface Scope extends ScopeRef {
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
  /** The limit is what the node found by itself. */
  isAuto?: true
  /** Of the pull ramp: the image, and how many nodes have it. */
  image?: { name: string; onNodes: number }
}
