import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE, execOnNode } from '../cluster/cluster.ts'
import { pod } from '../harness/pod-templates.ts'
import { namespaceFor, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { randomGraph, seeded } from '../workloads/random-graph.ts'
import {
  conditionIn,
  containerIn,
  expectOrder,
  isReady,
  isReadyAgain,
  isStarting,
  readPod,
  runs,
  type SeenPod,
  shellIn,
} from '../workloads/sequenced-pods.ts'
import { sequencedPod, startsIn } from '../workloads/sequenced-work.ts'
import { CHAIN, CONTAINERS, chainEndsInOrder, SLACK, slackNamespace, slowChain } from '../workloads/slow-chain.ts'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

const onNodeOf = ({ spec }: SeenPod, argv: string[]) => execOnNode(session.cluster, spec.nodeName ?? '', argv)

/** Kills what containerd knows by this ID, a container or a sandbox, behind the kubelet's back. */
const killTask = (pod: SeenPod, id: string) =>
  onNodeOf(pod, ['ctr', '-n', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', id])

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
  const namespace = await slackNamespace(session, 'agent')
  await namespace.apply([sequencedPod('chain', CONTAINERS, CHAIN)])
  await isStarting(namespace, 'chain', 'db')
  // What Node 24 calls its main thread.
  const script =
    'cd /proc; for p in [0-9]*; do read -r name < $p/comm; case $name in node|*MainThread) kill -9 $p; echo killed;; esac; done'
  const said = await shellIn(namespace, ['chain', 'startgate'], script)
  expect(said.trim()).toBe('killed')
  await chainEndsInOrder(namespace)
  const agent = (await readPod(namespace, 'chain')).status?.initContainerStatuses?.find(s => s.name === 'startgate')
  expect(agent?.restartCount).toBe(0)
})

test('a container not ready in time: its slot goes on, what it blocks is told, and it all goes on when it is ready', async () => {
  const namespace = await namespaceFor(session, {
    word: 'late',
    gated: true,
    settings: { ...SLACK, 'max-starting': '1' },
  })
  const late = { ...CHAIN, settings: { 'start-timeout': '10s' }, containers: { db: startsIn(45) } }
  await namespace.apply([sequencedPod('chain', CONTAINERS, late)])
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
  await chainEndsInOrder(namespace)
  await waitFor(
    'the condition tells that all started',
    async () => (await started())?.status === 'True',
    limits.podReady,
  )
})

test('a dependency that crashes on its first two tries: its dependents wait for the third', async () => {
  const namespace = await slackNamespace(session, 'crash')
  const crash = `
now() { read -r up rest </proc/uptime; echo "\${up%.*}\${up#*.}0"; }
trap 'exit 0' TERM
echo "start $(now)"; rm -f /state/ready; echo x >>/state/tries; sleep 1
[ "$(wc -l </state/tries)" -ge 3 ] || exit 1
touch /state/ready; echo "ready $(now)"
while :; do sleep 3600 & wait $!; done`
  const containers = { db: { command: ['sh', '-c', crash] } }
  await namespace.apply([sequencedPod('chain', CONTAINERS, { ...CHAIN, containers })])
  expect(containerIn(await isReady(namespace, 'chain'), 'db')?.restartCount).toBe(2)
  await chainEndsInOrder(namespace)
})

test("a gate's process killed while it waits: the gate runs again and the order holds", async () => {
  const namespace = await slackNamespace(session, 'gate')
  await namespace.set({ 'max-starting': '0' })
  await namespace.apply([sequencedPod('chain', CONTAINERS, CHAIN)])
  const gate = 'startgate-start-db'
  const before = await runs(namespace, 'chain', gate)
  const id = containerIn(before, gate)?.containerID?.replace('containerd://', '') ?? ''
  await killTask(before, id)
  const again = async () => {
    const status = containerIn(await readPod(namespace, 'chain'), gate)
    return status?.restartCount === 1 && status.state?.running !== undefined
  }
  await waitFor('the gate runs again', again, limits.podReady)
  await namespace.set({ 'max-starting': '50' })
  await chainEndsInOrder(namespace)
})

test('the sandbox killed in the middle of a start: a new one starts in order', async () => {
  const namespace = await slackNamespace(session, 'sandbox')
  const before = await slowChain(namespace)
  const filter = `labels."io.kubernetes.pod.uid"==${before.metadata.uid},labels."io.cri-containerd.kind"==sandbox`
  const { stdout } = await onNodeOf(before, ['ctr', '-n', 'k8s.io', 'containers', 'ls', '-q', filter])
  expect(stdout.trim()).toMatch(/^[0-9a-f]{64}$/)
  await killTask(before, stdout.trim())
  await isReadyAgain(namespace, before, ['db'])
  await chainEndsInOrder(namespace)
})
