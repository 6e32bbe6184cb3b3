import type { ConfigReader } from './config-reader.ts'
import { registryName } from './image-name.ts'
import { type NodePool, nodePoolIn } from './node-pool.ts'
import type { PressureResource } from './pressure.ts'
import type { Rate } from './quantity.ts'

/** The limits of `config.json`, as its administrator wrote them. */
export interface LimitsConfig {
  cluster: {
    /** null: no limit. */
    maxStarting: number | null
    /** null: max(20, a tenth of the nodes). */
    maxPulling: number | null
    /** null: no limit. */
    maxStartRate: Rate | null
    /** null: full limits may hold everything back. */
    minStartRate: Rate | null
  }
  node: {
    /** null: maxStartingPerCore, or max(2, cores) without that. */
    maxStarting: number | 'auto' | null
    /** The most that `auto` finds; null: max(32, 4 × cores). */
    maxStartingAutoMax: number | null
    /** A factor of the node's cores; where maxStarting is given too, the lower counts. */
    maxStartingPerCore: number | null
    /** null: 1. */
    maxPulling: number | null
    /** Percent of the time; above it the node starts one at a time. null: never. */
    maxPressure: Record<PressureResource, number | null>
  }
  /** Of nodes with certain labels; the first that fits takes the place of `node` in what it names. */
  nodePools: NodePool[]
  /**
   * Pods of the cluster that may be pulling from a registry, by its name as registryName (core/image-name.ts) writes
   * it.
   */
  registries: Record<string, number>
  /** Twice as many pull an image as nodes have it, and one at least. */
  pullRamp: boolean
  /** The most that one namespace gets of a cluster limit, above 0 to 1. */
  namespaceShare: number
  /** How long full limits may hold a pod back; null: for ever. */
  maxWaitMs: number | null
  /** Whether namespaces may write what lets their pods pass full limits: `min-start-rate` and `max-wait`. */
  allowFloor: boolean
  /** Whether namespaces may write their `weight`. */
  allowWeight: boolean
}

/** Reads `limits` of `config.json`; faults are the reader's. */
export function limitsIn(read: ConfigReader): LimitsConfig {
  return {
    cluster: {
      maxStarting: read.countOrNull('limits.cluster.maxStarting'),
      maxPulling: read.countOrNull('limits.cluster.maxPulling'),
      maxStartRate: read.rateOrNull('limits.cluster.maxStartRate'),
      minStartRate: read.rateOrNull('limits.cluster.minStartRate'),
    },
    node: {
      maxStarting: read.countOrAutoOrNull('limits.node.maxStarting'),
      maxStartingAutoMax: autoMaxIn(read),
      maxStartingPerCore: read.factorOrNull('limits.node.maxStartingPerCore'),
      maxPulling: read.countOrNull('limits.node.maxPulling'),
      maxPressure: {
        cpu: read.percentOrNull('limits.node.maxPressure.cpu'),
        io: read.percentOrNull('limits.node.maxPressure.io'),
        memory: read.percentOrNull('limits.node.maxPressure.memory'),
      },
    },
    nodePools: read.list('limits.nodePools', (path, index) => nodePoolIn(read, path, `nodePools[${index}]`)),
    registries: byRegistry(read.counts('limits.registries')),
    // A former version's file has none.
    pullRamp: read.isGiven('limits.pullRamp') && read.flag('limits.pullRamp'),
    namespaceShare: read.share('limits.namespaceShare'),
    maxWaitMs: read.durationMsOrNull('limits.maxWait'),
    allowFloor: read.flag('limits.allowFloor'),
    allowWeight: read.flag('limits.allowWeight'),
  }
}

/** A former version's file has none. */
function autoMaxIn(read: ConfigReader): number | null {
  const path = 'limits.node.maxStartingAutoMax'
  return read.isGiven(path) ? read.countOrNull(path) : null
}

/** Of several names of one registry the lowest limit counts. */
function byRegistry(limits: Record<string, number>): Record<string, number> {
  const byName = new Map<string, number>()
  for (const [host, limit] of Object.entries(limits)) {
    const name = registryName(host)
    byName.set(name, Math.min(limit, byName.get(name) ?? limit))
  }
  return Object.fromEntries(byName)
}
