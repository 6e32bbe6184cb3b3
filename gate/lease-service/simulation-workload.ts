import type { NamespaceSettings } from '../../core/annotations.ts'
import type { Container, Pod } from '../../core/pod.ts'
import { type ClusterSettings, DEFAULT_SETTINGS } from './limits.ts'
import type { LimitTruth } from './simulation-checker.ts'
import type { Random } from './simulation-timeline.ts'

/** Test support. Nodes, namespaces and limits, of which some are absent and some freeze. */
export function randomCluster(random: Random): LimitTruth {
  const maybe = (low: number, high: number) => (random.chance(0.4) ? random.int(low, high) : undefined)
  const limit = <K extends string>(key: K, value: number | undefined) =>
    (value === undefined ? {} : { [key]: value }) as Partial<Record<K, number>>
  const settings: ClusterSettings = {
    ...DEFAULT_SETTINGS,
    cluster: { ...limit('maxStarting', maybe(1, 6)), ...limit('maxPulling', maybe(1, 4)) },
    node: { ...limit('maxStarting', maybe(1, 4)), ...limit('maxPulling', maybe(1, 2)) },
    startTimeoutMs: 30_000,
    pullTimeoutMs: 60_000,
  }
  const nodes = new Map(
    Array.from({ length: random.int(1, 3) }, (_, i) => {
      const annotation = random.chance(0.2) ? random.int(1, 4) : undefined
      return [`node-${i}`, { cores: random.int(1, 4), isLost: false, ...(annotation !== undefined && { annotation }) }]
    }),
  )
  const namespaces = new Map(Array.from({ length: random.int(1, 3) }, (_, i) => [`ns-${i}`, randomNamespace(random)]))
  return { settings, nodes, namespaces }
}

export function randomNamespace(random: Random): NamespaceSettings {
  const settings: NamespaceSettings = {}
  // Now and then 0, which freezes.
  const count = () => (random.chance(0.15) ? 0 : random.int(1, 4))
  if (random.chance(0.5)) settings.maxStarting = count()
  if (random.chance(0.4)) settings.maxStartingPerNode = count()
  if (random.chance(0.2)) settings.maxStartingPerCore = random.chance(0.1) ? 0 : 0.5 * random.int(1, 4)
  if (random.chance(0.4)) settings.maxPulling = count()
  if (random.chance(0.2)) settings.maxPullingPerNode = count()
  if (random.chance(0.1)) settings.mode = random.pick(['observe', 'off'] as const)
  return settings
}

/** Test support. A gated pod as the webhook would make it. */
export function randomPod(index: number, nowMs: number, limits: LimitTruth, random: Random): Pod {
  const images = Array.from({ length: 5 }, (_, i) => `docker.io/library/${i === 4 ? 'bad' : 'app'}-${i}:1`)
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
      namespace: random.pick([...limits.namespaces.keys()]),
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
