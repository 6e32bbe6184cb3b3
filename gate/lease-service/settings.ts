import type { ClusterConfig } from '../../core/cluster-config.ts'
import type { ClusterSettings } from './limits.ts'

/** The chart's values in the ledger's words: null there is absent here. */
export function settingsOf(config: ClusterConfig): ClusterSettings {
  const { cluster, node, namespaceShare } = config.limits
  return {
    cluster: present(cluster),
    node: present(node),
    namespaceShare,
    startTimeoutMs: config.startTimeoutMs,
    maxStartTimeoutMs: config.maxStartTimeoutMs,
    pullTimeoutMs: config.pullTimeoutMs,
    settleMs: config.settleTimeMs,
  }
}

function present<K extends string>(values: Record<K, number | null>): Partial<Record<K, number>> {
  const given = Object.entries(values).filter((entry): entry is [K, number] => entry[1] !== null)
  return Object.fromEntries(given) as Partial<Record<K, number>>
}
