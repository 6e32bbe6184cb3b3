import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { APP_IMAGE, kubelet } from './cluster/cluster.ts'
import { limits } from './framework/limits.ts'
import { randomGraph, seeded } from './framework/random-graph.ts'
import { conditionIn, expectOrder, isReady, isStarting, readPod, shellIn } from './framework/sequenced-pods.ts'
import { sequencedPod, startsIn } from './framework/sequenced-work.ts'
import { namespaceFor, openSession, type Session } from './framework/session.ts'
import { waitFor } from './framework/wait-for.ts'
import { pod } from './framework/workloads.ts'

const SLACK = { 'max-starting': '50', 'max-starting-per-node': '50' }
const CHAIN = { dependsOn: 'web: [api]\napi: [db]\n' }

let session: Session
beforeAll(async () => {
  session = await openSession()
})

test('thirty pods with random graphs all end, each in its order', async () => {
  const seed = Number(process.env.STARTGATE_SEED ?? 1)
  console.info(`graphs of STARTGATE_SEED=${seed}`)
  const random = seeded(seed)
  const namespace = await namespaceFor(session, {
    word: 'graphs',
    gated: true,
    settings: { ...SLACK, 'max-starting': '8' },
  })
  const graphs = Array.from({ length: 30 }, (_, i) => ({
    name: `g${i}`,
    graph: randomGraph(3 + Math.floor(random() * 2), random),
  }))
  // Ten at a time: thirty sandboxes at once tell of two cores, not of order.
  for (let at = 0; at < graphs.length; at += 10) {
    const batch = graphs.slice(at, at + 10)
    await namespace.apply(
      batch.map(({ name, graph }) => sequencedPod(name, graph.containers, { dependsOn: graph.yaml })),
    )
    for (const { name, graph } of batch) {
      await isReady(namespace, name)
      await expectOrder(namespace, name, graph.edges)
    }
    await namespace.kubectl.run(['delete', 'pods', '--all', '-n', namespace.name, '--wait=false'])
  }
})

test("the agent's process killed in the middle of a start: the order holds and the pod gets ready", async () => {
  const namespace = await namespaceFor(session, { word: 'agent', gated: true, settings: SLACK })
  await namespace.apply([sequencedPod('chain', ['web', 'api', 'db'], CHAIN)])
  await isStarting(namespace, 'chain', 'db')
  // What Node 24 calls its main thread.
  const script =
    'cd /proc; for p in [0-9]*; do read -r name < $p/comm; case $name in node|*MainThread) kill -9 $p; echo killed;; esac; done'
  const said = await shellIn(namespace, ['chain', 'startgate'], script)
  expect(said.trim()).toBe('killed')
  await isReady(namespace, 'chain')
  await expectOrder(namespace, 'chain', [
    ['web', 'api'],
    ['api', 'db'],
  ])
  const agent = (await readPod(namespace, 'chain')).status?.initContainerStatuses?.find(s => s.name === 'startgate')
  expect(agent?.restartCount).toBe(0)
})

test('the kubelet restarted in the middle of a start: the order holds and the pod gets ready', async () => {
  const namespace = await namespaceFor(session, { word: 'kubelet', gated: true, settings: SLACK })
  await namespace.apply([sequencedPod('chain', ['web', 'api', 'db'], CHAIN)])
  const { spec } = await isStarting(namespace, 'chain', 'db')
  const node = spec.nodeName ?? ''
  onTestFinished(() => kubelet(session.cluster, node, 'start'))
  await kubelet(session.cluster, node, 'restart')
  await isReady(namespace, 'chain')
  await expectOrder(namespace, 'chain', [
    ['web', 'api'],
    ['api', 'db'],
  ])
})

test('a container not ready in time: its slot goes on, what it blocks is told, and it all goes on when it is ready', async () => {
  const namespace = await namespaceFor(session, {
    word: 'late',
    gated: true,
    settings: { ...SLACK, 'max-starting': '1' },
  })
  const late = { ...CHAIN, settings: { 'start-timeout': '10s' }, containers: { db: startsIn(45) } }
  await namespace.apply([sequencedPod('chain', ['web', 'api', 'db'], late)])
  await isStarting(namespace, 'chain', 'db')
  // The limit is one: it starts only when the slot of the late one is back.
  await namespace.apply([pod('other', { image: APP_IMAGE })])
  const started = async () => conditionIn(await readPod(namespace, 'chain'), 'startgate.dev/Started')
  const condition = async () => {
    const seen = await started()
    return seen?.reason === 'TimedOut' && seen
  }
  const { message } = await waitFor('the condition tells who is late', condition, limits.podReady)
  expect(message).toBe('db is not ready in time; api waits for db (ready); web waits for api (ready)')
  const event = async () => (await namespace.events('chain')).find(e => /db .*not ready/.test(e.message))
  const told = await waitFor('an Event tells who is late', event, limits.eventSeen)
  expect(told.message).toMatch(/api/)
  await isReady(namespace, 'other')
  expect((await started())?.status).toBe('False')
  await isReady(namespace, 'chain')
  await expectOrder(namespace, 'chain', [
    ['web', 'api'],
    ['api', 'db'],
  ])
  await waitFor(
    'the condition tells that all started',
    async () => (await started())?.status === 'True',
    limits.podReady,
  )
})
