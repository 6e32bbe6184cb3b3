import { AGENT, AGENT_ENV, GATED_LABEL, IMAGE_STEP_PREFIX, PULL_GATE, START_GATE } from '../../core/names.ts'
import type { Container, Pod } from '../../core/pod.ts'
import type { Readiness, ReadinessType } from '../../core/readiness.ts'
import { type Dependency, formatSequence, type Stage, sequenceGateOf } from '../../core/sequence.ts'
import type { Random } from './timeline.ts'
import type { LimitTruth } from './truth.ts'

export const AFTER = 'startgate.dev/after'
export const AFTER_MAX_WAIT = 'startgate.dev/after-max-wait'

/** Test support. A gated pod as the webhook would make it: plain, or with an order among its containers. */
export function randomPod(index: number, nowMs: number, limits: LimitTruth, random: Random): Pod {
  const pod = plainPod(index, nowMs, limits, random)
  if (limits.isHerd) return small(pod)
  return random.chance(0.45) ? sequenced(pod, random) : pod
}

function plainPod(index: number, nowMs: number, limits: LimitTruth, random: Random): Pod {
  const containers = plainContainers(random)
  const initContainers = plainInitContainers([...new Set(containers.map(c => c.image ?? ''))], random)
  return {
    metadata: {
      name: `pod-${index}`,
      uid: `uid-${index}`,
      labels: { [GATED_LABEL]: 'true' },
      namespace: random.pick([...limits.namespaces.keys()]),
      ...(random.chance(0.25) && { annotations: afterAnnotations(random) }),
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

function plainContainers(random: Random): Container[] {
  const images = Array.from(
    { length: 5 },
    (_, i) => `${i === 3 ? 'quay.io' : 'docker.io'}/library/${i === 4 ? 'bad' : 'app'}-${i}:1`,
  )
  return Array.from({ length: random.chance(0.6) ? 1 : random.int(2, 5) }, (_, i) => ({
    name: `app-${i}`,
    image: random.pick(images),
    imagePullPolicy: random.chance(0.2) ? 'Always' : 'IfNotPresent',
    ...random.pick([{}, { readinessProbe: {} }, { startupProbe: { failureThreshold: 3 } }]),
  }))
}

function plainInitContainers(images: readonly string[], random: Random): Container[] {
  return [
    ...(random.chance(0.8)
      ? [
          { name: 'startgate-pull', image: 'docker.io/library/startgate:1' },
          ...images.map((image, i) => ({ name: `startgate-image-${i}`, image })),
        ]
      : []),
    ...(random.chance(0.3) ? [{ name: 'migrate', image: images[0] ?? '' }] : []),
    { name: 'startgate-start', image: 'docker.io/library/startgate:1' },
  ]
}

function afterAnnotations(random: Random): Record<string, string> {
  // dep-3 is not there.
  const after = ['deployment/dep-0', 'deployment/dep-0, deployment/dep-1', 'deployment/dep-2', 'deployment/dep-3']
  return {
    [AFTER]: random.pick(after),
    // The usual ten minutes make long worlds in which little happens.
    ...(random.chance(0.9) && { [AFTER_MAX_WAIT]: '90s' }),
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
  const isStaying = random.chance(0.5)
  const gateOf = (gate: string) => ({ ...ownContainer(gate), ...(isStaying && { restartPolicy: 'Always' }) })
  const moved = containers.flatMap(({ name, type, spec }) => {
    const plain = type === 'completed' ? spec : { ...spec, restartPolicy: 'Always' }
    return needed.has(name) ? [gateOf(sequenceGateOf(name)), plain] : []
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
    gateOf(START_GATE),
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
