import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { node } from '../cluster/cluster.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { expectNoSlots } from '../workloads/faulted-herd.ts'
import { type Edge, expectOrder, isReady, isReadyAgain, isStarting, type SeenPod } from '../workloads/sequenced-pods.ts'
import { sequencedPod, startsIn } from '../workloads/sequenced-work.ts'

/** Two at once: a pod takes up to two slots together, so of three rebooted pods one waits. */
const TWO = { 'max-starting': '2', 'max-starting-per-node': '50' }
const CONTAINERS = ['web', 'worker', 'db']
const PODS = ['one', 'two', 'three']
const EDGES: Edge[] = [
  ['web', 'db'],
  ['worker', 'db'],
]

let session: Session
beforeAll(async () => {
  session = await openSession()
})

/** Three sequenced pods on the second worker. */
async function threePods(namespace: TestNamespace, containers: Record<string, object> = {}): Promise<void> {
  const spec = { nodeSelector: { 'kubernetes.io/hostname': worker() } }
  const one = (name: string) =>
    sequencedPod(name, CONTAINERS, { dependsOn: 'web: [db]\nworker: [db]\n', containers, spec })
  await namespace.apply(PODS.map(one))
}

const worker = () => session.workers[1] ?? ''

async function reboot(): Promise<void> {
  onTestFinished(() => node(session.cluster, worker(), 'start'))
  await node(session.cluster, worker(), 'restart')
}

/** All containers of all pods run anew, in order. */
async function allAgain(namespace: TestNamespace, before: SeenPod[]): Promise<void> {
  await Promise.all(before.map(pod => isReadyAgain(namespace, pod, CONTAINERS)))
  await Promise.all(before.map(({ metadata }) => expectOrder(namespace, metadata.name, EDGES)))
}

test('a worker rebooted while sequenced pods run: all start again in order, under the limit', async () => {
  const namespace = await namespaceFor(session, { word: 'running', gated: true, settings: TWO })
  await threePods(namespace)
  const before = await Promise.all(PODS.map(name => isReady(namespace, name)))
  const observer = await observerFor(session)
  await reboot()
  await allAgain(namespace, before)
  const { peak, spans } = observer.starting([namespace.name])
  console.info(`  after the reboot at most ${peak.count} starting at once, limit 2; ${spans.length} starts`)
  expect(peak.count).toBeLessThanOrEqual(2)
})

test('a worker rebooted in the middle of a start: all start in order, nothing is stuck and no slot is left', async () => {
  const namespace = await namespaceFor(session, { word: 'starting', gated: true, settings: TWO })
  await threePods(namespace, { db: startsIn(8) })
  const first = await Promise.any(PODS.map(name => isStarting(namespace, name, 'db')))
  await reboot()
  await isReadyAgain(namespace, first, CONTAINERS)
  await Promise.all(PODS.map(name => isReady(namespace, name)))
  await Promise.all(PODS.map(name => expectOrder(namespace, name, EDGES)))
  await expectNoSlots(session, namespace.name)
})
