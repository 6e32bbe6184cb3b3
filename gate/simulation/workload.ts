import type { NamespaceSettings } from '../../core/annotations.ts'
import { AGENT, AGENT_ENV, GATED_LABEL, IMAGE_STEP_PREFIX, PULL_GATE, START_GATE } from '../../core/names.ts'
import type { Container, Pod } from '../../core/pod.ts'
import type { Rate } from '../../core/quantity.ts'
import type { Readiness, ReadinessType } from '../../core/readiness.ts'
import { type Dependency, formatSequence, type Stage, sequenceGateOf } from '../../core/sequence.ts'
import { type ClusterSettings, DEFAULT_SETTINGS } from '../lease-service/limits/cluster-settings.ts'
import { AFTER, AFTER_MAX_WAIT } from './checker.ts'
import type { Random } from './timeline.ts'
import type { LimitTruth } from './truth.ts'

/** Test support. Nodes, namespaces and limits, of which some are absent and some freeze. */
export function randomCluster(random: Random): LimitTruth {
  return random.chance(0.1) ? herdCluster(random) : mixedCluster(random)
}

/** Where nothing but weights decides who goes. */
function herdCluster(random: Random): LimitTruth {
  const settings: ClusterSettings = {
    ...DEFAULT_SETTINGS,
    ...{ allowFloor: true, allowWeight: true, namespaceShare: 1, startTimeoutMs: 30_000, pullTimeoutMs: 60_000 },
    cluster: { maxStarting: random.int(2, 4) },
    node: { maxStarting: 24 },
  }
  const namespaces = new Map([0.25, 1, 4].map((weight, i) => [`ns-${i}`, { weight }]))
  const nodes = new Map([['node-0', { cores: 4, isLost: false, pressure: 0 }]])
  return { settings, nodes, namespaces, deploymentsReadyAtMs: new Map(), isHerd: true }
}

function mixedCluster(random: Random): LimitTruth {
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
  const nodes = new Map(
    Array.from({ length: random.int(1, 3) }, (_, i) => {
      const annotation = random.chance(0.2) ? random.int(1, 4) : undefined
      const node = { cores: random.int(1, 4), isLost: false, pressure: 0 }
      return [`node-${i}`, { ...node, ...(annotation !== undefined && { annotation }) }]
    }),
  )
  const namespaces = new Map(Array.from({ length: random.int(1, 3) }, (_, i) => [`ns-${i}`, randomNamespace(random)]))
  const deploymentsReadyAtMs = new Map([
    ['dep-0', random.int(0, 100_000)],
    ['dep-1', random.int(0, 250_000)],
    ['dep-2', Number.POSITIVE_INFINITY],
  ])
  return { settings, nodes, namespaces, deploymentsReadyAtMs, isHerd: false }
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
  if (random.chance(0.2)) settings.maxPullingPerNode = count()
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

/** Test support. A gated pod as the webhook would make it: plain, or with an order among its containers. */
export function randomPod(index: number, nowMs: number, limits: LimitTruth, random: Random): Pod {
  const pod = plainPod(index, nowMs, limits, random)
  if (limits.isHerd) return small(pod)
  return random.chance(0.45) ? sequenced(pod, random) : pod
}

function plainPod(index: number, nowMs: number, limits: LimitTruth, random: Random): Pod {
  const images = Array.from(
    { length: 5 },
    (_, i) => `${i === 3 ? 'quay.io' : 'docker.io'}/library/${i === 4 ? 'bad' : 'app'}-${i}:1`,
  )
  const containers: Container[] = Array.from({ length: random.chance(0.6) ? 1 : random.int(2, 5) }, (_, i) => ({
    name: `app-${i}`,
    image: random.pick(images),
    imagePullPolicy: random.chance(0.2) ? 'Always' : 'IfNotPresent',
    ...random.pick([{}, { readinessProbe: {} }, { startupProbe: { failureThreshold: 3 } }]),
  }))
  const steps = [...new Set(containers.map(c => c.image ?? ''))]
  const initContainers: Container[] = [
    ...(random.chance(0.8)
      ? [
          { name: 'startgate-pull', image: 'docker.io/library/startgate:1' },
          ...steps.map((image, i) => ({ name: `startgate-image-${i}`, image })),
        ]
      : []),
    ...(random.chance(0.3) ? [{ name: 'migrate', image: steps[0] ?? '' }] : []),
    { name: 'startgate-start', image: 'docker.io/library/startgate:1' },
  ]
  return {
    metadata: {
      name: `pod-${index}`,
      uid: `uid-${index}`,
      labels: { [GATED_LABEL]: 'true' },
      namespace: random.pick([...limits.namespaces.keys()]),
      // dep-3 is not there.
      ...(random.chance(0.25) && {
        annotations: {
          [AFTER]: random.pick([
            'deployment/dep-0',
            'deployment/dep-0, deployment/dep-1',
            'deployment/dep-2',
            'deployment/dep-3',
          ]),
          // The usual ten minutes make long worlds in which little happens.
          ...(random.chance(0.9) && { [AFTER_MAX_WAIT]: '90s' }),
        },
      }),
      creationTimestamp: new Date(Math.floor(nowMs / 1000) * 1000).toISOString(),
    },
    spec: {
      containers,
      initContainers,
      nodeName: random.pick([...limits.nodes.keys()]),
      priority: random.chance(0.2) ? 10 : 0,
      restartPolicy: random.chance(0.3) ? 'Never' : 'Always',
    },
  }
}

/** The same pod with one container, that waits for a start slot and nothing else. */
function small({ metadata: { annotations: _, ...metadata }, spec }: Pod): Pod {
  const containers = spec.containers.slice(0, 1).map(({ name, image = '' }) => ({ name, image, readinessProbe: {} }))
  return { metadata, spec: { ...spec, priority: 0, containers, initContainers: [ownContainer(START_GATE)] } }
}

/** The same pod with a random order among two to seven containers. */
function sequenced(pod: Pod, random: Random): Pod {
  const containers = Array.from({ length: random.int(2, 7) }, (_, i) => randomStarter(i, random))
  const dependsOn = randomDependencies(containers, random)
  const needed = new Set(dependsOn.flat().map(d => d.container))
  const rest = containers.filter(({ name }) => !needed.has(name))
  const of = (name: string) => dependsOn[containers.findIndex(c => c.name === name)] ?? []
  const stages: Stage[] = [
    ...[...needed].sort().map(name => ({ gate: sequenceGateOf(name), containers: [name], dependsOn: of(name) })),
    { gate: START_GATE, containers: rest.map(c => c.name), dependsOn: distinct(rest.flatMap(c => of(c.name))) },
  ]
  const kindOf = (name: string, type: ReadinessType): ReadinessType =>
    // Nobody waits for it to complete, so it is an app container like any other.
    type === 'completed' && !needed.has(name) ? 'simple' : type
  const readiness = Object.fromEntries(
    containers.map(({ name, type }) => [name, { type: kindOf(name, type) } as Readiness]),
  )
  const moved = containers.flatMap(({ name, type, spec }) => {
    const plain = type === 'completed' ? spec : { ...spec, restartPolicy: 'Always' }
    return needed.has(name) ? [ownContainer(sequenceGateOf(name)), plain] : []
  })
  const env = [{ name: AGENT_ENV.sequence, value: formatSequence({ stages, readiness }) }]
  const users = (pod.spec.initContainers ?? []).filter(c => !c.name.startsWith('startgate'))
  const images = random.chance(0.8) ? [...new Set(containers.map(c => c.spec.image ?? ''))] : []
  const initContainers: Container[] = [
    ownContainer(PULL_GATE),
    ...images.map((image, i) => ({ name: `${IMAGE_STEP_PREFIX}${i}`, image })),
    { ...ownContainer(AGENT), restartPolicy: 'Always', env },
    ...users,
    ...moved,
    ownContainer(START_GATE),
  ]
  return { ...pod, spec: { ...pod.spec, restartPolicy: 'Always', containers: rest.map(c => c.spec), initContainers } }
}

interface Starter {
  name: string
  type: ReadinessType
  spec: Container
}

function randomStarter(index: number, random: Random): Starter {
  const name = `c-${index}`
  const type = random.pick(['simple', 'probe', 'notify', 'notify', 'completed'] as const)
  const probes = random.pick([{ readinessProbe: {} }, { startupProbe: {} }, { startupProbe: {}, readinessProbe: {} }])
  const image = `docker.io/library/app-${random.int(0, 1)}:1`
  return { name, type, spec: { name, image, ...(type === 'probe' && probes) } }
}

/** Of each one, on earlier ones only: that is an order without cycles. */
function randomDependencies(starters: Starter[], random: Random): Dependency[][] {
  return starters.map((_, i) =>
    starters.slice(0, i).flatMap(({ name, type }): Dependency[] => {
      if (!random.chance(0.4)) return []
      const condition = type === 'completed' ? type : random.pick(['ready', 'ready', 'started'] as const)
      return [{ container: name, condition }]
    }),
  )
}

function distinct(dependencies: Dependency[]): Dependency[] {
  return [...new Map(dependencies.map(d => [`${d.container}:${d.condition}`, d])).values()]
}

function ownContainer(name: string): Container {
  return { name, image: 'docker.io/library/startgate:1' }
}
