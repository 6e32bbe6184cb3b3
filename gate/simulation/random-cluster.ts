import type { NamespaceSettings } from '../../core/annotations.ts'
import type { Rate } from '../../core/quantity.ts'
import { type ClusterSettings, DEFAULT_SETTINGS } from '../lease-service/limits/cluster-settings.ts'
import type { Random } from './timeline.ts'
import type { LimitTruth, NodeTruth } from './truth.ts'

/** Test support. How much there is in a world. */
export interface WorldSize {
  /** How long things go wrong in it. */
  chaosMs: number
  /** Where no herd comes. */
  mostPods: number
}

const SMALL: WorldSize = { chaosMs: 60_000, mostPods: 9 }
const LARGE: WorldSize = { chaosMs: 120_000, mostPods: 24 }
const LARGE_WORLDS = 1 / 16
/** Of any world: with half as many, faults of turns take two to six times as long to find. */
const HERD = { count: 24, withinMs: 10_000 }

/**
 * Test support. Most worlds are small: in the same time they show more faults than large ones, of which a fault takes
 * 0.6 as many (docs/contributing/testing.md). Some things take a long line.
 */
export function randomSize(random: Random): WorldSize {
  return random.chance(LARGE_WORLDS) ? LARGE : SMALL
}

/** Test support. How many pods come, and within which time. */
export function randomPodCount(
  random: Random,
  { chaosMs, mostPods }: WorldSize,
  { isHerd }: LimitTruth,
): { count: number; withinMs: number } {
  return isHerd ? HERD : { count: random.int(3, mostPods), withinMs: chaosMs / 2 }
}

/** Test support. Nodes, namespaces and limits, of which some are absent and some freeze. */
export function randomCluster(random: Random, chaosMs: number): LimitTruth {
  return random.chance(0.2) ? herdCluster(random) : mixedCluster(random, chaosMs)
}

/** Where nothing but turns decides who goes: by weight in the cluster, or by what is held on each node. */
function herdCluster(random: Random): LimitTruth {
  const isOfNodes = random.chance(0.5)
  const settings: ClusterSettings = {
    ...DEFAULT_SETTINGS,
    ...{ allowFloor: true, allowWeight: true, namespaceShare: 1, startTimeoutMs: 30_000, pullTimeoutMs: 60_000 },
    cluster: isOfNodes ? {} : { maxStarting: random.int(2, 4) },
    node: { maxStarting: isOfNodes ? random.int(2, 3) : 24 },
  }
  const weights = isOfNodes ? [1, 1, 1] : [0.25, 1, 4]
  const namespaces = new Map(weights.map((weight, i) => [`ns-${i}`, { weight }]))
  const names = isOfNodes ? ['node-0', 'node-1', 'node-2'] : ['node-0']
  const nodes = new Map(names.map(name => [name, { cores: 4, isLost: false, pressure: 0 }]))
  return { settings, nodes, namespaces, images: new Map(), deploymentsReadyAtMs: new Map(), isHerd: true }
}

function mixedCluster(random: Random, chaosMs: number): LimitTruth {
  const maybe = (low: number, high: number) => (random.chance(0.4) ? random.int(low, high) : undefined)
  const limit = <K extends string>(key: K, value: number | undefined) =>
    (value === undefined ? {} : { [key]: value }) as Partial<Record<K, number>>
  const settings: ClusterSettings = {
    ...DEFAULT_SETTINGS,
    cluster: {
      ...limit('maxStarting', maybe(1, 6)),
      ...limit('maxPulling', maybe(1, 4)),
      ...(random.chance(0.15) && { maxStartRate: randomRate(random) }),
      ...(random.chance(0.15) && { minStartRate: randomFloor(random) }),
    },
    registries: random.chance(0.3) ? { 'docker.io': random.int(1, 3), 'quay.io': 1 } : {},
    node: { ...limit('maxStarting', maybe(1, 4)), ...limit('maxPulling', maybe(1, 2)) },
    ...{ allowFloor: true, allowWeight: true },
    startTimeoutMs: 30_000,
    pullTimeoutMs: 60_000,
  }
  const nodes = new Map<string, NodeTruth>(
    Array.from({ length: random.int(1, 3) }, (_, i) => {
      const annotation = random.chance(0.2) ? random.int(1, 4) : undefined
      const node = { cores: random.int(1, 4), isLost: false, pressure: 0 }
      return [`node-${i}`, { ...node, ...(annotation !== undefined && { annotation }) }]
    }),
  )
  const namespaces = new Map(Array.from({ length: random.int(1, 3) }, (_, i) => [`ns-${i}`, randomNamespace(random)]))
  const deploymentsReadyAtMs = new Map([
    ['dep-0', random.int(0, chaosMs)],
    ['dep-1', random.int(0, 2 * chaosMs)],
    ['dep-2', Number.POSITIVE_INFINITY],
  ])
  if (random.chance(0.3)) addPools(settings, nodes, random)
  // No draw of its own, which would make other worlds of all seeds.
  if (settings.node.maxPulling !== undefined) settings.pullRamp = true
  return { settings, nodes, namespaces, images: new Map(), deploymentsReadyAtMs, isHerd: false }
}

/** Values of the label that pools go by. */
export const POOLS = ['a', 'b'] as const

function addPools(settings: ClusterSettings, nodes: LimitTruth['nodes'], random: Random): void {
  const maxStarting = random.int(1, 4)
  settings.nodePools = POOLS.map((pool, i) => ({
    name: `nodePools[${i}]`,
    matchLabels: { pool },
    // One of starts alone, one of pulls too.
    ...(i === 0 ? { maxStarting } : { maxStarting: 5 - maxStarting, maxPulling: random.int(1, 2) }),
  }))
  for (const node of nodes.values()) if (random.chance(0.7)) node.pool = random.pick(POOLS)
}

export function randomNamespace(random: Random): NamespaceSettings {
  const settings: NamespaceSettings = {}
  if (random.chance(0.5)) settings.weight = random.pick([0.25, 1, 4])
  // Where nothing else sets them apart, weights alone decide.
  if (random.chance(0.3)) return settings
  // Now and then 0, which freezes.
  const count = () => (random.chance(0.15) ? 0 : random.int(1, 4))
  if (random.chance(0.5)) settings.maxStarting = count()
  if (random.chance(0.4)) settings.maxStartingPerNode = count()
  if (random.chance(0.2)) settings.maxStartingPerCore = random.chance(0.1) ? 0 : 0.5 * random.int(1, 4)
  if (random.chance(0.4)) settings.maxPulling = count()
  if (random.chance(0.2)) {
    settings.maxPullingPerNode = count()
    settings.pullRamp = true
  }
  if (random.chance(0.15)) settings.maxStartRate = randomRate(random)
  if (random.chance(0.1)) settings.minStartRate = randomFloor(random)
  if (random.chance(0.1)) settings.maxWaitMs = random.pick([20_000, 60_000])
  if (random.chance(0.1)) settings.mode = random.pick(['observe', 'off'] as const)
  return settings
}

function randomRate(random: Random): Rate {
  return random.pick([
    { count: 1, periodMs: 1_000 },
    { count: 3, periodMs: 1_000 },
    { count: 10, periodMs: 60_000 },
    { count: 4, periodMs: 60_000 },
  ])
}

function randomFloor(random: Random): Rate {
  return random.pick([
    { count: 6, periodMs: 60_000 },
    { count: 3, periodMs: 60_000 },
  ])
}
