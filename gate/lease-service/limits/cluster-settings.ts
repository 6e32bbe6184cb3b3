import type { AfterTarget } from '../../../core/after.ts'
import type { NodePool } from '../../../core/node-pool.ts'
import type { Pressure } from '../../../core/pressure.ts'
import type { Rate } from '../../../core/quantity.ts'

/** The chart's values. An absent limit means the default, or none where there is no default. 0 freezes. */
export interface ClusterSettings {
  /** startgate's own namespace, whose annotation `frozen` freezes the cluster. Absent: nothing does. */
  ownNamespace?: string
  cluster: { maxStarting?: number; maxPulling?: number; maxStartRate?: Rate; minStartRate?: Rate }
  node: {
    maxStarting?: number | 'auto'
    /** The most that `auto` finds on a node. */
    maxStartingAutoMax?: number
    maxStartingPerCore?: number
    maxPulling?: number
    maxPressure?: Pressure
  }
  /** Of nodes with certain labels; the first that fits goes before `node`. */
  nodePools: readonly NodePool[]
  /** Pulls from a registry, by its host name. */
  registries: Readonly<Record<string, number>>
  /** Twice as many pull an image as nodes have it, and one at least. */
  pullRamp?: boolean
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
  /** DaemonSets that all pods come after, each on its node. */
  after?: readonly AfterTarget[]
  /** How long a container without probes counts as starting. */
  settleMs: number
}

export const DEFAULT_SETTINGS: ClusterSettings = {
  cluster: {},
  node: {},
  nodePools: [],
  registries: {},
  namespaceShare: 0.75,
  allowFloor: false,
  allowWeight: false,
  startTimeoutMs: 120_000,
  maxStartTimeoutMs: 600_000,
  pullTimeoutMs: 900_000,
  settleMs: 5_000,
}
