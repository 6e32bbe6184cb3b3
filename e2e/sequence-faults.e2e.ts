import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { kubelet } from './cluster/cluster.ts'
import { limits } from './framework/limits.ts'
import { randomGraph, seeded } from './framework/random-graph.ts'
import { sequencedPod, startOrder } from './framework/sequenced-work.ts'
import { namespaceFor, openSession, type Session } from './framework/session.ts'
import type { TestNamespace } from './framework/test-namespace.ts'
import { waitFor } from './framework/wait-for.ts'

const SLACK = { 'max-starting': '50', 'max-starting-per-node': '50' }
const CHAIN = { dependsOn: 'web: [api]\napi: [db]\n' }

let session: Session
beforeAll(async () => {
  session = await openSession()
})

interface Seen {
  spec: { nodeName?: string }
  status?: {
    conditions?: { type: string; status: string }[]
    initContainerStatuses?: { name: string; restartCount: number; started?: boolean; state?: { running?: object } }[]
  }
}

const read = (namespace: TestNamespace, name: string) =>
  namespace.kubectl.json<Seen>(['get', 'pod', name, '-n', namespace.name])

async function isReady(namespace: TestNamespace, name: string): Promise<void> {
  const ready = async () =>
    (await read(namespace, name)).status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True')
  await waitFor(`pod ${name} is Ready`, ready, limits.herdReady)
}

/** Waits until the moved container runs and is not past starting yet: the middle of the pod's start. */
async function isStarting(namespace: TestNamespace, name: string, container: string): Promise<Seen> {
  const middle = async () => {
    const pod = await read(namespace, name)
    const status = pod.status?.initContainerStatuses?.find(s => s.name === container)
    return status?.state?.running && !status.started && pod
  }
  return waitFor(`${container} of ${name} is starting`, middle, limits.podReady)
}

async function expectOrder(namespace: TestNamespace, name: string, edges: [string, string][]): Promise<void> {
  const containers = [...new Set(edges.flat())]
  const logs = await Promise.all(
    containers.map(async container => ({
      container,
      log: await namespace.kubectl.text(['logs', name, '-n', namespace.name, '-c', container]),
    })),
  )
  const order = startOrder(logs)
  for (const [later, earlier] of edges)
    expect(order.startOf(later), `${name}: ${later} after ${earlier}`).toBeGreaterThanOrEqual(order.readyOf(earlier))
}

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
  const said = await namespace.kubectl.text([
    'exec',
    'chain',
    '-n',
    namespace.name,
    '-c',
    'startgate',
    '--',
    '/busybox',
    'sh',
    '-c',
    script,
  ])
  expect(said.trim()).toBe('killed')
  await isReady(namespace, 'chain')
  await expectOrder(namespace, 'chain', [
    ['web', 'api'],
    ['api', 'db'],
  ])
  const agent = (await read(namespace, 'chain')).status?.initContainerStatuses?.find(s => s.name === 'startgate')
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
