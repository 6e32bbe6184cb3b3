import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { CHART } from '../../charts/helm.ts'
import { installManifest } from '../../charts/install-manifest.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { deployment, pod } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { E2E_VALUES, namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

const CASES = join(CHART, '..', 'testdata')
const POOL = 'startgate-e2e/pool'
const TEAM = 'startgate-e2e/team'

/** Much of what an installation may ask for, at once. */
const VALUES = {
  ...E2E_VALUES,
  limits: {
    ...(E2E_VALUES.limits as object),
    nodePools: [{ selector: { matchLabels: { [POOL]: 'slow' } }, maxStarting: 1 }],
  },
  commonLabels: { [TEAM]: 'platform' },
  service: { ipFamilyPolicy: 'SingleStack', annotations: { note: 'of mine' } },
  prepull: { enabled: true },
  webhook: {
    hostNetwork: true,
    serviceAccount: { name: 'webhook-of-mine' },
    extraEnv: [{ name: 'MINE', value: 'yes' }],
    objectSelector: { matchExpressions: [{ key: 'leave-alone', operator: 'DoesNotExist' }] },
    matchConditions: [
      { name: 'not-by-name', expression: "!has(object.metadata.name) || object.metadata.name != 'spared'" },
    ],
  },
  leaseService: {
    serviceAccount: { name: 'lease-service-of-mine' },
    podDisruptionBudget: { minAvailable: 1 },
  },
}

let session: Session
beforeAll(async () => {
  session = await openSession(VALUES)
})

const gatesOf = (made: unknown): string[] =>
  ((made as { spec: { initContainers?: { name: string }[] } }).spec.initContainers ?? []).map(({ name }) => name)

test('with other accounts and the network of the nodes pods are gated and granted', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'values', gated: true })
  await namespace.apply([pod('web', { image: APP_IMAGE })])
  await podIs(observer, [namespace.name, 'web'], { phase: 'ready' }, limits.podReady)
  expect(gatesOf(await namespace.get(['pod', 'web']))).toContain('startgate-start')
})

test('what selectors and conditions of the values leave out is not gated, the rest is', async () => {
  const namespace = await namespaceFor(session, { word: 'selected', gated: true })
  const labelled = pod('web', { image: APP_IMAGE })
  labelled.metadata.labels = { ...labelled.metadata.labels, 'leave-alone': 'yes' }
  expect(gatesOf(await namespace.dryRun(labelled))).toEqual([])
  expect(gatesOf(await namespace.dryRun(pod('spared', { image: APP_IMAGE })))).toEqual([])
  expect(gatesOf(await namespace.dryRun(pod('web', { image: APP_IMAGE })))).toContain('startgate-start')
})

test('our image is on every node, with a pod that ends at once', async () => {
  const list = ['get', 'pods', '-n', SYSTEM_NAMESPACE, '-l', 'app.kubernetes.io/component=prepull']
  const running = async () => {
    const { items } = await session.kubectl.json<{
      items: { spec: { nodeName: string }; status: { phase: string } }[]
    }>(list)
    return items.filter(({ status }) => status.phase === 'Running').map(({ spec }) => spec.nodeName)
  }
  const onAll = async () => (await running()).length === session.cluster.nodes.length
  await waitFor('a pod on every node', onAll, limits.rollout)
  expect((await running()).sort()).toEqual(session.cluster.nodes.map(({ name }) => name).sort())
  const path = 'jsonpath={.items[*].spec.containers[*].image}'
  const images = new Set((await session.kubectl.text([...list, '-o', path])).split(' '))
  const webhook = ['get', 'deployment', 'startgate-webhook', '-n', SYSTEM_NAMESPACE]
  const own = await session.kubectl.text([...webhook, '-o', 'jsonpath={.spec.template.spec.containers[0].image}'])
  expect([...images]).toEqual([own])
})

test("a node's labels give it the limit of its pool, and taken off the usual one, while pods wait", async () => {
  const { kubectl } = session
  const [node = ''] = session.workers
  onTestFinished(async () => void (await kubectl.run(['label', 'node', node, `${POOL}-`])))
  await kubectl.run(['label', 'node', node, '--overwrite', `${POOL}=slow`])
  const observer = await observerFor(session)
  const settings = { 'max-starting': '50', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'pool', gated: true, settings })
  const count = 8
  await namespace.apply([deployment('web', count, { image: APP_IMAGE, startSeconds: 4, node })])
  const starting = () => observer.starting([namespace.name])
  const twoStarted = () => starting().spans.filter(({ endedBy }) => endedBy === 'ready').length >= 2
  await waitFor('two of them ready, one after the other', twoStarted, limits.herdReady)
  expect(starting().peak.count).toBe(1)
  await kubectl.run(['label', 'node', node, `${POOL}-`])
  await waitFor('more at once', () => starting().peak.count > 1, limits.limitInForce)
  await allReady(observer, namespace.name, count, limits.herdReady)
})

/** What this cluster cannot do: it has one IP family, and kinds of nobody else. */
const NOT_HERE = ['--set-json', 'service.ipFamilies=["IPv4"]']
const NEEDS_CRDS = ['cert-manager', 'monitoring']

const apply = (text: string) => {
  // As helm, so that what it gave the installed objects and gives them no more goes.
  const flags = ['--server-side', '--field-manager=helm', '--force-conflicts', '--dry-run=server', '--validate=strict']
  return session.kubectl.run(['apply', ...flags, '-f', '-'], text)
}

test.each(readdirSync(CASES).filter(name => !NEEDS_CRDS.includes(name)))(
  'the API server takes every field that is rendered with the values of %s',
  async name => {
    const file = join(CASES, name, 'values.yaml')
    const values = parse(readFileSync(file, 'utf8')) as { service?: object }
    await apply(await installManifest(['--values', file, ...(values.service ? NOT_HERE : [])]))
  },
)

test('the API server refuses a field that it does not know, in this way of asking', async () => {
  const misspelled = (await installManifest()).replace(
    'terminationGracePeriodSeconds:',
    'terminationGracePeriodSecond:',
  )
  await expect(apply(misspelled)).rejects.toThrow(/terminationGracePeriodSecond/)
})
