import type { ClusterConfig } from '../../../core/cluster-config.ts'
import type { ClusterSettings } from './cluster-settings.ts'

/** The chart's values in the ledger's words: null there is absent here. */
export function settingsOf(config: ClusterConfig): ClusterSettings {
  const { cluster, node, nodePools, registries, namespaceShare, maxWaitMs, allowFloor, allowWeight, pullRamp } =
    config.limits
  const { maxPressure, ...nodeLimits } = node
  return {
    ownNamespace: config.namespace,
    cluster: present(cluster),
    node: { ...present(nodeLimits), maxPressure: present(maxPressure) },
    nodePools,
    registries,
    pullRamp,
    namespaceShare,
    ...present({ maxWaitMs }),
    allowFloor,
    allowWeight,
    startTimeoutMs: config.startTimeoutMs,
    maxStartTimeoutMs: config.maxStartTimeoutMs,
    pullTimeoutMs: config.pullTimeoutMs,
    after: config.after,
    settleMs: config.settleTimeMs,
  }
}

function present<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const given = Object.entries(values).filter(([, value]) => value !== null)
  return Object.fromEntries(given) as { [K in keyof T]?: NonNullable<T[K]> }
}
