import type { ConfigReader } from './config-reader.ts'
import { PRESSURE_RESOURCES, type Pressure } from './pressure.ts'

/** Limits for nodes with certain labels. What a pool leaves out is as for all nodes. */
export interface NodePool {
  /** Where it was written, for messages: `nodePools[0]`. */
  name: string
  /** Labels that a node must have, all of them; none: every node is in the pool. */
  matchLabels: Readonly<Record<string, string>>
  maxStarting?: number | 'auto'
  /** A factor of the node's cores; where maxStarting is given too, the lower counts. */
  maxStartingPerCore?: number
  maxPulling?: number
  /** Percent; takes the place of the usual maximum as a whole. */
  maxPressure?: Pressure
}

/** The first pool that a node of these labels is in. */
export function poolOf(
  pools: readonly NodePool[],
  labels: Readonly<Record<string, string>> | undefined,
): NodePool | undefined {
  return pools.find(({ matchLabels }) => Object.entries(matchLabels).every(([key, value]) => labels?.[key] === value))
}

/** The labels that some pool asks for. */
export function labelsAskedFor(pools: readonly NodePool[]): ReadonlySet<string> {
  return new Set(pools.flatMap(({ matchLabels }) => Object.keys(matchLabels)))
}

/** The pool at this path of the chart's `config.json`; `name` is how people are told of it. Throws as `read` does. */
export function nodePoolIn(read: ConfigReader, path: string, name: string): NodePool {
  const given = {
    maxStarting: read.countOrAutoOrNull(`${path}.maxStarting`),
    maxStartingPerCore: read.factorOrNull(`${path}.maxStartingPerCore`),
    maxPulling: read.countOrNull(`${path}.maxPulling`),
  }
  const maxPressure = PRESSURE_RESOURCES.map(resource => [
    resource,
    read.percentOrNull(`${path}.maxPressure.${resource}`),
  ])
  const pressure = Object.fromEntries(maxPressure.filter(([, percent]) => percent !== null)) as Pressure
  return {
    name,
    matchLabels: read.texts(`${path}.selector.matchLabels`),
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) as Partial<NodePool>),
    ...(Object.keys(pressure).length > 0 && { maxPressure: pressure }),
  }
}
