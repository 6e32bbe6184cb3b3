import { describe, expect, test } from 'vitest'
import type { NamespaceSettings } from '../../../core/annotations.ts'
import { parseClusterConfig } from '../../../core/cluster-config.ts'
import type { Container } from '../../../core/pod.ts'
import { startTimeoutOf } from '../../../core/start-timeout.ts'
import { goodConfig } from '../../../core/testing/good-config.ts'
import type { Resource } from '../model/grant.ts'
import type { NodeFacts } from '../pods/node-facts.ts'
import { type ClusterSettings, DEFAULT_SETTINGS } from './cluster-settings.ts'
import type { Overload } from './overloads.ts'
import { CLUSTER, ownScopeRefsOf, scopeRef } from './scope-ref.ts'
import { limitAt, scopesOf } from './scopes.ts'
import { settingsOf } from './settings-from-config.ts'

interface Case {
  resource?: Resource
  settings?: Partial<ClusterSettings>
  namespace?: NamespaceSettings
  node?: Partial<NodeFacts>
  nodes?: number
  overload?: Overload
  want: Record<string, number>
}

const POOL = { name: 'nodePools[1]', matchLabels: { pool: 'spot' } }
const overload: Overload = { resource: 'cpu', percent: 86.6, maxPercent: 60 }

function factsOf({ settings, namespace, node, nodes = 1, overload }: Case) {
  const known = new Map<string, NodeFacts>()
  for (let i = 0; i < nodes; i++)
    known.set(i === 0 ? 'n' : `n${i}`, { cores: 4, lost: false, images: new Set(), ...node })
  return {
    settings: { ...DEFAULT_SETTINGS, ...settings },
    nodes: known,
    namespaces: new Map([['s', namespace ?? {}]]),
    overloads: new Map(overload ? [['n', overload]] : []),
  }
}

const cases: Record<string, Case> = {
  'start: as many as cores on a node, and no more limits': { want: { 'node/n': 4 } },
  'start: at least two on a node of one core': { node: { cores: 1 }, want: { 'node/n': 2 } },
  'start: half a core does not count': { node: { cores: 3.9 }, want: { 'node/n': 3 } },
  'start: a node not known yet counts as a small one': { nodes: 0, want: { 'node/n': 2 } },
  'start: one on a node under pressure, whatever else is written there': {
    overload,
    node: { maxStartingPerNode: 9 },
    want: { 'node/n': 1 },
  },
  'start: a node under pressure that is frozen stays so': {
    overload,
    node: { maxStartingPerNode: 0 },
    want: { 'node/n': 0 },
  },
  'pull: pressure holds no pull back': {
    resource: 'pull',
    overload,
    node: { maxPullingPerNode: 3 },
    want: { cluster: 20, 'node/n': 3, 'namespace/s': 15 },
  },
  'pull: one on a node, 20 in a small cluster, three quarters of it for a namespace': {
    resource: 'pull',
    want: { cluster: 20, 'node/n': 1, 'namespace/s': 15 },
  },
  'pull: a tenth of the nodes in a large cluster': {
    resource: 'pull',
    nodes: 400,
    want: { cluster: 40, 'node/n': 1, 'namespace/s': 30 },
  },
  'the chart sets cluster and node': {
    settings: { cluster: { maxStarting: 10 }, node: { maxStarting: 3 } },
    want: { cluster: 10, 'node/n': 3, 'namespace/s': 7 },
  },
  'a share is at least one slot': {
    settings: { cluster: { maxStarting: 1 } },
    want: { cluster: 1, 'node/n': 4, 'namespace/s': 1 },
  },
  'per core: rounded down': { settings: { node: { maxStartingPerCore: 0.6 } }, want: { 'node/n': 2 } },
  'per core: at least one': { settings: { node: { maxStartingPerCore: 0.1 } }, want: { 'node/n': 1 } },
  'per core: 0 freezes': { settings: { node: { maxStartingPerCore: 0 } }, want: { 'node/n': 0 } },
  'per node and per core: the lower one': {
    settings: { node: { maxStartingPerCore: 1, maxStarting: 3 } },
    want: { 'node/n': 3 },
  },
  'a namespace tightens its share': {
    settings: { cluster: { maxStarting: 10 } },
    namespace: { maxStarting: 2 },
    want: { cluster: 10, 'node/n': 4, 'namespace/s': 2 },
  },
  'a namespace cannot loosen its share': {
    settings: { cluster: { maxStarting: 10 } },
    namespace: { maxStarting: 100 },
    want: { cluster: 10, 'node/n': 4, 'namespace/s': 7 },
  },
  'a namespace has limits per node and per core of its own': {
    namespace: { maxStartingPerNode: 3, maxStartingPerCore: 0.5 },
    want: { 'node/n': 4, 'namespace/s/node/n': 2 },
  },
  'per core says nothing of pulls': {
    resource: 'pull',
    namespace: { maxStartingPerCore: 0, maxPullingPerNode: 1 },
    settings: { cluster: { maxPulling: 4 }, node: { maxPulling: 2, maxStartingPerCore: 0 } },
    want: { cluster: 4, 'node/n': 2, 'namespace/s': 3, 'namespace/s/node/n': 1 },
  },
  "a node's annotation replaces what the chart says, upwards too": {
    settings: { node: { maxStarting: 1, maxStartingPerCore: 0 } },
    node: { maxStartingPerNode: 8 },
    want: { 'node/n': 8 },
  },
  'a pool goes before what the chart says of all nodes, upwards too': {
    settings: { node: { maxStarting: 1, maxStartingPerCore: 0 } },
    node: { pool: { ...POOL, maxStarting: 6, maxStartingPerCore: 1.25 } },
    want: { 'node/n': 5 },
  },
  'what a pool does not name is as for all nodes': {
    settings: { node: { maxStarting: 3 } },
    node: { pool: { ...POOL, maxPulling: 2 } },
    want: { 'node/n': 3 },
  },
  'a pool of pulls': {
    resource: 'pull',
    settings: { node: { maxPulling: 9 } },
    node: { pool: { ...POOL, maxPulling: 0 } },
    want: { cluster: 20, 'node/n': 0, 'namespace/s': 15 },
  },
  "a node's annotation goes before its pool": {
    node: { maxStartingPerNode: 8, pool: { ...POOL, maxStarting: 6 } },
    want: { 'node/n': 8 },
  },
  "a node's annotation for pulls": {
    resource: 'pull',
    node: { maxPullingPerNode: 3 },
    want: { cluster: 20, 'node/n': 3, 'namespace/s': 15 },
  },
}

describe('limits in force', () => {
  test.each(Object.entries(cases))('%s', (_name, tc) => {
    const { resource = 'start', want } = tc
    const facts = factsOf(tc)
    const scopes = scopesOf({ resource, namespace: 's', nodeName: 'n', images: [] }, facts)
    expect(Object.fromEntries(scopes.map(s => [s.id, s.limit]))).toEqual(want)
    for (const ref of [CLUSTER, ...ownScopeRefsOf({ namespace: 's', nodeName: 'n' })])
      expect(limitAt(resource, ref, facts)).toBe(want[ref.id] ?? Number.POSITIVE_INFINITY)
  })

  test('each names where it was written', () => {
    const facts = factsOf({ settings: { cluster: { maxStarting: 8 } }, namespace: { maxStarting: 0 }, want: {} })
    const scopes = scopesOf({ resource: 'start', namespace: 's', nodeName: 'n', images: [] }, facts)
    expect(scopes.map(s => `${s.subject}: ${s.source}`)).toEqual([
      "the cluster: limits.cluster.maxStarting: 8 in the chart's values",
      'node n: the default for a node',
      'namespace s: startgate.dev/max-starting: 0 on namespace s',
    ])
  })

  test('of a pool too', () => {
    const facts = factsOf({ node: { pool: { ...POOL, maxStartingPerCore: 0.5 } }, want: {} })
    const [scope] = scopesOf({ resource: 'start', namespace: 's', nodeName: 'n', images: [] }, facts)
    expect(scope?.source).toBe("limits.nodePools[1].maxStartingPerCore: 0.5 in the chart's values")
  })

  test.each([
    [{}, "limits.node.maxPressure.cpu: 60 in the chart's values"],
    [{ pool: { ...POOL, maxStarting: 3 } }, "limits.node.maxPressure.cpu: 60 in the chart's values"],
    [{ pool: { ...POOL, maxPressure: { cpu: 60 } } }, "limits.nodePools[1].maxPressure.cpu: 60 in the chart's values"],
    [
      { maxPressure: { cpu: 60 }, pool: { ...POOL, maxPressure: { cpu: 50 } } },
      'startgate.dev/max-pressure: cpu: 60 on node n',
    ],
  ])('pressure too: %j', (node, want) => {
    const facts = factsOf({ node, overload, want: {} })
    const scopes = scopesOf({ resource: 'start', namespace: 's', nodeName: 'n', images: [] }, facts)
    expect(scopes.find(({ id }) => id === 'node/n')?.source).toBe(want)
  })
})

describe('a freeze', () => {
  const settings = { ...DEFAULT_SETTINGS, ownNamespace: 'startgate-system', cluster: { maxStarting: 8 } }
  const frozen = (...names: string[]) => ({
    settings,
    nodes: new Map(),
    namespaces: new Map<string, NamespaceSettings>(names.map(name => [name, { frozen: 'alice: why', maxStarting: 3 }])),
  })
  const at = (resource: Resource, names: string[]) =>
    scopesOf({ resource, namespace: 's', nodeName: 'n', images: [] }, frozen(...names))

  test.each(['start', 'pull'] as const)('of its namespace lets nothing %s there, and says who', resource => {
    const [zero, ...others] = at(resource, ['s']).filter(({ limit }) => limit === 0)
    expect(others).toEqual([])
    expect(zero).toMatchObject({ id: 'namespace/s', source: 'startgate.dev/frozen: alice: why on namespace s' })
  })

  test.each(['start', 'pull'] as const)("of startgate's own namespace lets nothing %s anywhere", resource => {
    const [zero, ...others] = at(resource, ['startgate-system']).filter(({ limit }) => limit === 0)
    expect(others).toEqual([])
    expect(zero).toMatchObject({
      id: 'cluster',
      source: 'startgate.dev/frozen: alice: why on namespace startgate-system',
    })
  })

  test('of the cluster is looked for where startgate is', () => {
    expect(settingsOf(parseClusterConfig(JSON.stringify(goodConfig()))).ownNamespace).toBe('startgate-system')
  })

  test('takes no limit away, and is of one namespace only', () => {
    expect(at('start', ['startgate-system']).find(({ id }) => id === 'namespace/s')?.limit).toBe(6)
    expect(at('start', ['other']).map(({ limit }) => limit)).not.toContain(0)
  })
})

const probed: Container = {
  name: 'c',
  startupProbe: { initialDelaySeconds: 5, failureThreshold: 12, periodSeconds: 5 },
}
const timeouts: Record<string, { container?: Container; pod?: number; namespace?: number; want: number }> = {
  'the default without a startupProbe': { want: 120_000 },
  "a startupProbe's own budget": { container: probed, want: 65_000 },
  "the API's defaults where a probe leaves fields out": { container: { name: 'c', startupProbe: {} }, want: 30_000 },
  "the namespace's annotation wins over the probe": { container: probed, namespace: 7_000, want: 7_000 },
  "the pod's annotation wins over all": { container: probed, namespace: 7_000, pod: 9_000, want: 9_000 },
  'never more than the longest allowed': { pod: 86_400_000, want: 600_000 },
  'a long probe is cut too': { container: { name: 'c', startupProbe: { failureThreshold: 1000 } }, want: 600_000 },
}

test.each(Object.entries(timeouts))('start timeout: %s', (_name, { container, pod, namespace, want }) => {
  const settings = {
    pod: pod === undefined ? {} : { startTimeoutMs: pod },
    namespace: namespace === undefined ? {} : { startTimeoutMs: namespace },
    cluster: DEFAULT_SETTINGS,
  }
  expect(startTimeoutOf(container ?? { name: 'c' }, settings)).toBe(want)
})

test('a pull counts against each registry that its images come from, and against no other', () => {
  const facts = factsOf({ settings: { registries: { 'docker.io': 5, 'ghcr.io': 2 } }, want: {} })
  const images = ['docker.io/library/a:1', 'docker.io/library/b:1', 'quay.io/c:1']
  const scopes = scopesOf({ resource: 'pull', namespace: 's', nodeName: 'n', images }, facts)
  expect(scopes.filter(s => s.id.startsWith('registry/')).map(s => [s.id, s.limit])).toEqual([
    ['registry/docker.io', 5],
  ])
  expect(limitAt('pull', scopeRef({ kind: 'registry', registry: 'ghcr.io' }), facts)).toBe(2)
})

test('rates of cluster and namespace both count, for starts only', () => {
  const rate = { count: 10, periodMs: 1_000 }
  const facts = factsOf({ settings: { cluster: { maxStartRate: rate } }, namespace: { maxStartRate: rate }, want: {} })
  const ids = (resource: 'start' | 'pull') =>
    scopesOf({ resource, namespace: 's', nodeName: 'n', images: [] }, facts).flatMap(s => (s.windowMs ? s.id : []))
  expect([ids('start'), ids('pull')]).toEqual([['rate/cluster', 'rate/namespace/s'], []])
  expect(limitAt('start', scopeRef({ kind: 'namespace-rate', namespace: 's' }), facts)).toBe(10)
})
