import type { NamespaceSettings } from '../../core/annotations.ts'
import type { ClusterSettings } from '../lease-service/limits/cluster-settings.ts'

/** What limits are in force, as the simulated cluster has them. */
export interface LimitTruth {
  settings: ClusterSettings
  namespaces: Map<string, NamespaceSettings>
  nodes: Map<string, { cores: number; annotation?: number; isLost: boolean /** Percent. */; pressure: number }>
  /** What pods come after; Infinity: never, absent: no such Deployment. */
  deploymentsReadyAtMs: Map<string, number>
  /** Many small pods of namespaces that differ in weight come at once, and one limit of the cluster is all there is. */
  isHerd: boolean
}
