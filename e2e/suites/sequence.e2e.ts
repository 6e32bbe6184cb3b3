import { beforeAll, describe, expect, test } from 'vitest'
import { APP_IMAGE, loadImage } from '../cluster/cluster.ts'
import { redisImage } from '../cluster/debian-images.ts'
import type { Manifest } from '../harness/kubectl.ts'
import { deployment, pod } from '../harness/pod-templates.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { isReady, orderOf } from '../workloads/sequenced-pods.ts'
import { sequencedPod } from '../workloads/sequenced-work.ts'

let session: Session
let redis: string
beforeAll(async () => {
  session = await openSession()
  redis = await redisImage(session.cluster.env)
  await loadImage(session.cluster, redis)
})

const SLACK = { 'max-starting': '50', 'max-starting-per-node': '50' }

describe('depends-on in one pod', () => {
  test("the study's case, limit 2, B and C written before A: it ends, in order, and never more than two are starting", async () => {
    const observer = await observerFor(session)
    const namespace = await namespaceFor(session, {
      word: 'study',
      gated: true,
      settings: { ...SLACK, 'max-starting': '2' },
    })
    await namespace.apply([sequencedPod('study', ['b', 'c', 'a'], { dependsOn: 'b: [a]\nc: [a]\n' })])
    await isReady(namespace, 'study')
    const order = await orderOf(namespace, 'study', ['a', 'b', 'c'])
    expect(order.startOf('b')).toBeGreaterThanOrEqual(order.readyOf('a'))
    expect(order.startOf('c')).toBeGreaterThanOrEqual(order.readyOf('a'))
    expect(observer.starting([namespace.name]).peak.count).toBeLessThanOrEqual(2)
  })

  test('two pods of two independent containers each end under limit 2', async () => {
    const namespace = await namespaceFor(session, {
      word: 'pairs',
      gated: true,
      settings: { ...SLACK, 'max-starting': '2' },
    })
    await namespace.apply(
      ['one', 'two'].map(name => sequencedPod(name, ['x', 'y', 'base'], { dependsOn: 'x: [base]\ny: [base]\n' })),
    )
    await Promise.all([isReady(namespace, 'one'), isReady(namespace, 'two')])
  })

  test('a cycle, an unknown name and a self-edge are denied with the sentence', async () => {
    const namespace = await namespaceFor(session, { word: 'denied', gated: true })
    const refusal = (dependsOn: string) => namespace.refusal([sequencedPod('bad', ['a', 'b'], { dependsOn })])
    expect(await refusal('a: [b]\nb: [a]\n')).toMatch(/a → b → a/)
    expect(await refusal('a: [z]\n')).toMatch(/"?z"?/)
    expect(await refusal('a: [a]\n')).toMatch(/itself/)
  })
})

test('a real daemon that notifies: its dependent starts after its READY=1', async () => {
  const namespace = await namespaceFor(session, { word: 'notify', gated: true, settings: SLACK })
  const manifest = sequencedPod('notify', ['app', 'redis'], {
    dependsOn: 'app: [redis]\n',
    readiness: 'redis: notify\n',
  })
  const spec = manifest.spec as {
    containers: { name: string; image: string; command: string[]; startupProbe?: unknown; volumeMounts?: unknown }[]
  }
  const container = spec.containers.find(c => c.name === 'redis')
  if (!container) throw new Error('no redis')
  container.image = redis
  container.command = [
    'redis-server',
    '--supervised',
    'systemd',
    '--save',
    '',
    '--dir',
    '/state',
    '--protected-mode',
    'no',
  ]
  delete container.startupProbe
  await namespace.apply([manifest as Manifest])
  await isReady(namespace, 'notify')
  const log = await namespace.log('notify', 'redis')
  expect(log).toMatch(/supervised by systemd/i)
  const message = [
    'get',
    'pod',
    'notify',
    '-n',
    namespace.name,
    '-o',
    'jsonpath={.status.conditions[?(@.type=="startgate.dev/Started")].status}',
  ]
  await waitFor(
    'the pod condition says that all are started',
    async () => (await session.kubectl.text(message)) === 'True',
    limits.podReady,
  )
})

test('after: a pod takes no start slot before the Deployment it waits for is available', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, {
    word: 'after',
    gated: true,
    settings: { ...SLACK, 'max-starting': '1' },
  })
  const annotations = { 'startgate.dev/after': 'deployment/db' }
  await namespace.apply([pod('app', { image: APP_IMAGE, annotations })])
  const gateLog = () => namespace.log('app', 'startgate-start')
  await waitFor(
    'the gate says what it waits for',
    async () => (await gateLog()).includes('deployment/db'),
    limits.gateRunning,
  )
  // Limit 1: if the waiting pod held the slot, this one could never start.
  await namespace.apply([deployment('db', 1, { image: APP_IMAGE, startSeconds: 3 })])
  await isReady(namespace, 'app')
  const spans = observer.starting([namespace.name]).spans
  expect(spans.map(span => span.pod.replace(/-.*/, ''))).toEqual(['db', 'app'])
  expect(observer.starting([namespace.name]).peak.count).toBe(1)
})
