import type { NamespaceSettings } from '../../core/annotations.ts'
import type { ClusterSettings } from '../lease-service/limits/cluster-settings.ts'

export interface NodeTruth {
  cores: number
  annotation?: number
  /** Its label `pool`. */
  pool?: string
  isLost: boolean
  /** Percent. */
  pressure: number
}

/** What limits are in force, as the simulated cluster has them. */
export interface LimitTruth {
  settings: ClusterSettings
  namespaces: Map<string, NamespaceSettings>
  nodes: Map<string, NodeTruth>
  /** By node: the images that are there. */
  images: Map<string, Set<string>>
  /** What pods come after; Infinity: never, absent: no such Deployment. */
  deploymentsReadyAtMs: Map<string, number>
  /** Many small pods of namespaces that differ in weight come at once, and one limit of the cluster is all there is. */
  isHerd: boolean
}
