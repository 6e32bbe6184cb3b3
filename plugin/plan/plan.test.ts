import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { ledCluster } from '../testing/led-cluster.ts'
import { ran } from '../testing/made-io.ts'
import type { Plan } from './plan.ts'
import { recordedMs } from './recorded.ts'

const S = 1_000
const PROBED = { name: 'web', image: 'nginx:1', readinessProbe: { tcpSocket: { port: 80 } } }
const namespace = (annotations: object, name = 'shop') => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'startgate.dev/injection': 'enabled' }, annotations },
})
const workload = (kind: string, spec: object, pod: object = {}, annotations: object = {}) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'web', namespace: 'shop' },
  spec: { ...spec, template: { metadata: { annotations }, spec: { containers: [PROBED], ...pod } } },
})
const deployment = (replicas: number, pod: object = {}, annotations: object = {}) =>
  workload('Deployment', { replicas }, pod, annotations)

async function planned(objects: object[], ...args: string[]): Promise<Plan & { code: number }> {
  const stdin = objects.map(object => stringify(object)).join('---\n')
  const { out, err, code } = await ran(['plan', '-f', '-', '-o', 'json', ...args], { stdin })
  expect(err).toBe('')
  return { ...JSON.parse(out), code }
}

const TWO_CORES = ['--nodes', '1', '--cores', '2', '--start-seconds', '10']
const NODE_DEFAULT = { subject: 'each node', limit: 2, source: 'the default for a node' }

test('six pods in twos, ten seconds each', async () => {
  const plan = await planned([deployment(6)], ...TWO_CORES)
  expect(plan).toMatchObject({
    ...{ code: 0, pods: 6, containers: 6, nodes: 1, mostStarting: 2, waitingMs: 20 * S, neverReady: 0 },
    ready: { firstMs: 10 * S, medianMs: 20 * S, lastMs: 30 * S },
    bottlenecks: [{ ...NODE_DEFAULT, part: 1 }],
    oneMore: { limit: NODE_DEFAULT, ready: { lastMs: 20 * S }, soonerMs: 10 * S },
  })
})

test('first the one limit holds back, then the other', async () => {
  const other = { ...deployment(6), metadata: { name: 'job', namespace: 'bank' } }
  const given = [namespace({ 'startgate.dev/max-starting': '1' }), deployment(4), other]
  const plan = await planned(given, '--nodes', '1', '--cores', '3', '--start-seconds', '10')
  // 0 s: 1 + 2; 10 s: 1 + 2; 20 s: 1 + 2; 30 s: the last of shop.
  expect(plan.ready).toEqual({ firstMs: 10 * S, medianMs: 20 * S, lastMs: 40 * S })
  expect(plan.bottlenecks.map(({ subject, part }) => [subject, part])).toEqual([
    ['namespace shop', 2 / 3],
    ['each node', 1 / 3],
  ])
})

test('containers that come after another one ask when that is ready', async () => {
  const containers = [{ ...PROBED, name: 'db' }, PROBED]
  const order = { 'startgate.dev/depends-on': 'web: [db]' }
  const plan = await planned(
    [deployment(2, { containers }, order)],
    '--nodes',
    '1',
    '--cores',
    '1',
    '--start-seconds',
    '10',
  )
  // Two at a time: both db, then both web. Both pods' slots at once, never more.
  expect(plan).toMatchObject({ containers: 4, mostStarting: 2, ready: { firstMs: 20 * S, lastMs: 20 * S } })
  const alone = await planned([deployment(1, { containers }, order)], ...TWO_CORES)
  expect(alone).toMatchObject({ mostStarting: 1, ready: { lastMs: 20 * S } })
  const started = { 'startgate.dev/depends-on': 'web: {db: started}' }
  const quick = await planned([deployment(1, { containers }, started)], ...TWO_CORES)
  expect(quick.ready).toEqual({ firstMs: 10 * S, medianMs: 10 * S, lastMs: 10 * S })
})

test('pods of a StatefulSet come one after another, but with Parallel', async () => {
  expect((await planned([workload('StatefulSet', { replicas: 3 })], ...TWO_CORES)).ready?.lastMs).toBe(30 * S)
  const parallel = workload('StatefulSet', { replicas: 3, podManagementPolicy: 'Parallel' })
  expect((await planned([parallel], ...TWO_CORES)).ready?.lastMs).toBe(20 * S)
})

test('a start rate lets one go in ten seconds', async () => {
  const plan = await planned([namespace({ 'startgate.dev/max-start-rate': '6/min' }), deployment(4)], ...TWO_CORES)
  expect(plan.ready).toEqual({ firstMs: 10 * S, medianMs: 20 * S, lastMs: 40 * S })
  expect(plan.bottlenecks).toMatchObject([{ subject: 'the start rate of namespace shop', limit: 1, windowMs: 10 * S }])
})

test('a freeze: nobody is ever ready, and it ends with 1', async () => {
  const plan = await planned([namespace({ 'startgate.dev/max-starting': '0' }), deployment(4)], ...TWO_CORES)
  expect(plan).toMatchObject({ code: 1, neverReady: 4, bottlenecks: [{ limit: 0 }] })
  expect(plan.ready).toBeUndefined()
  expect(plan.oneMore).toBeUndefined()
})

test('what is observed waits for nothing', async () => {
  const plan = await planned([namespace({ 'startgate.dev/mode': 'observe' }), deployment(9)], ...TWO_CORES)
  expect(plan).toMatchObject({ mostStarting: 9, ready: { lastMs: 10 * S }, bottlenecks: [] })
})

const sources: Record<string, { pod: object; args?: string[]; want: object }> = {
  'no probe': { pod: { containers: [{ name: 'a', image: 'a:1' }] }, want: { startMs: 5 * S, source: 'settled' } },
  'a readiness probe': { pod: {}, want: { startMs: 120 * S, source: 'worst' } },
  'a startup probe': {
    pod: { containers: [{ ...PROBED, startupProbe: { failureThreshold: 9, periodSeconds: 5 } }] },
    want: { startMs: 45 * S, source: 'worst' },
  },
  'a time that is given': { pod: {}, args: ['--start-seconds', '7.5'], want: { startMs: 7_500, source: 'given' } },
  'no probe, and a time that is given': {
    pod: { containers: [{ name: 'a', image: 'a:1' }] },
    args: ['--start-seconds', '7'],
    want: { startMs: 5 * S, source: 'settled' },
  },
}
test.each(Object.entries(sources))('start times: %s', async (_, { pod, args = [], want }) => {
  expect((await planned([deployment(1, pod)], '--nodes', '1', ...args)).workloads).toMatchObject([want])
})

test('a slot comes back at the start timeout, and its pod is ready later', async () => {
  const plan = await planned([deployment(4, {}, { 'startgate.dev/start-timeout': '4s' })], ...TWO_CORES)
  expect(plan).toMatchObject({ timedOut: 4, ready: { firstMs: 10 * S, lastMs: 14 * S } })
})

const replicas: Record<string, { object: object; want: number }> = {
  'a DaemonSet': { object: workload('DaemonSet', {}), want: 3 },
  'a Deployment without replicas': { object: workload('Deployment', {}), want: 1 },
  'a Deployment scaled to zero': { object: deployment(0), want: 0 },
  'a Job': { object: workload('Job', { parallelism: 5, completions: 2 }), want: 2 },
  'a suspended Job': { object: workload('Job', { suspend: true }), want: 0 },
  'replicas that are no number': { object: workload('Deployment', { replicas: 'many' }), want: 1 },
}
test.each(Object.entries(replicas))('pods of %s', async (_, { object, want }) => {
  expect((await planned([object], '--nodes', '3')).pods).toBe(want)
})

const refusals: Record<string, { objects?: object[]; args: string[]; want: string }> = {
  'too many pods': {
    objects: [deployment(25_000)],
    args: ['--nodes', '3'],
    want: 'the files make 25000 pods; use at most 10000 at a time (fewer files, or fewer replicas)',
  },
  'too many nodes': { args: ['--nodes', '5001'], want: '--nodes: "5001" is not a valid number; use a whole number above 0, 5000 at most' },
  'half a node': { args: ['--nodes', '1.5'], want: '--nodes: "1.5" is not a valid number; use a whole number above 0, 5000 at most' },
  'no time': { args: ['--start-seconds', '0'], want: '--start-seconds: "0" is not a valid number; use a number above 0, 86400 at most' },
  'cores of no nodes': { args: ['--cores', '4'], want: '--cores is given without --nodes; use both, or neither for the cluster' },
} // biome-ignore format: a table
test.each(Object.entries(refusals))('refused: %s', async (_, { objects = [deployment(1)], args, want }) => {
  const { code, err } = await ran(['plan', '-f', '-', ...args], { stdin: objects.map(o => stringify(o)).join('---\n') })
  expect(err).toBe(`error: ${want}\n`)
  expect(code).toBe(2)
})

test('the text says what it does not know, and what is denied ends with 1', async () => {
  const objects = [deployment(6), deployment(1, {}, { 'startgate.dev/start-timeout': '5 minutes' })]
  const { out, code } = await ran(['plan', '-f', '-', ...TWO_CORES], {
    stdin: objects.map(o => stringify(o)).join('---\n'),
  })
  expect(code).toBe(1)
  expect(out).toContain(
    '6 pods with 6 containers on 1 node, created at one time\nready: the first after 10 s, half of them',
  )
  expect(out).toMatch(/each node\s+2\s+100 %\s+the default for a node/)
  expect(out).toContain('With one more slot in each node (3 instead of 2): the last after 20 s, 10 s sooner.')
  expect(out).toMatch(/shop\/web\s+1\s+-\s+denied/)
  expect(out).toContain('Not known: How much longer containers start when others start beside them')
})

test('pods are matched with what is recorded of their workload', () => {
  const release = (pod: string, heldMs: number, more: object = {}) => ({
    ...{ id: pod, atMs: 0, namespace: 'shop', pod, gate: 'startgate-start', resource: 'start' as const, node: 'n' },
    ...{ reason: 'Ready', heldMs, ...more },
  })
  const releases = [
    ...[release('web-7d9c-abcde', 9_000), release('web-7d9c-abcdf', 11_200), release('web-7d9c-abcdg', 40_000)],
    ...[
      release('web-0', 1_000),
      release('web-x-7d9c-abcde', 2_000),
      release('web-7d9c-zzzzz', 1, { namespace: 'bank' }),
    ],
    ...[release('web-7d9c-yyyyy', 1, { reason: 'TimedOut' }), release('web-7d9c-xxxxx', 1, { resource: 'pull' })],
  ]
  const of = (kind: string) => recordedMs(releases, { kind, namespace: 'shop', name: 'web' })
  expect(of('Deployment')).toBe(12_000)
  expect(of('StatefulSet')).toBe(1_000)
  expect(of('Pod')).toBeUndefined()
})

test("a cluster's nodes, namespaces and settings count; what cannot be read is told", async () => {
  const { api } = await ledCluster()
  const node = (name: string, cpu: string, spec: object = {}) => ({
    metadata: { name },
    spec,
    status: { capacity: { cpu } },
  })
  const items = [node('w1', '2'), node('w2', '3'), node('cp', '4', { taints: [{ key: 'x', effect: 'NoSchedule' }] })]
  Object.assign(api.answers, {
    'GET /api/v1/nodes': { items },
    'GET /api/v1/namespaces': { items: [namespace({ 'startgate.dev/max-starting': '4' })] },
  })
  const args = ['plan', '-f', '-', '--kubeconfig', api.kubeconfig, '--start-seconds', '10', '-o', 'json']
  const { out, err } = await ran(args, { stdin: stringify(deployment(8)) })
  expect(err).toBe('')
  expect(JSON.parse(out)).toMatchObject({
    ...{ nodes: 2, mostStarting: 4, ready: { lastMs: 20 * S } },
    bottlenecks: [{ subject: 'namespace shop', limit: 4, source: 'startgate.dev/max-starting: 4 on namespace shop' }],
    notes: [
      expect.stringMatching(/^startgate's settings in the cluster cannot be read/),
      'Left out: 1 of 3 nodes, which are not ready, cordoned or tainted.',
    ],
  })
})
