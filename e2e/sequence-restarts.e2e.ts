import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { execOnNode, runtime } from './cluster/cluster.ts'
import { limits } from './framework/limits.ts'
import {
  containerIn,
  type Edge,
  expectOrder,
  isReady,
  isReadyAgain,
  isStarting,
  readPod,
  runs,
  type SeenPod,
} from './framework/sequenced-pods.ts'
import { sequencedPod, startsIn } from './framework/sequenced-work.ts'
import { namespaceFor, openSession, type Session } from './framework/session.ts'
import { takeDown } from './framework/system.ts'
import type { TestNamespace } from './framework/test-namespace.ts'
import { waitFor } from './framework/wait-for.ts'

const SLACK = { 'max-starting': '50', 'max-starting-per-node': '50' }
const CHAIN = { dependsOn: 'web: [api]\napi: [db]\n' }
const CONTAINERS = ['web', 'api', 'db']
const EDGES: Edge[] = [
  ['web', 'api'],
  ['api', 'db'],
]
const SLOW = startsIn(8)

let session: Session
beforeAll(async () => {
  session = await openSession()
})

const namespaceOf = (word: string) => namespaceFor(session, { word, gated: true, settings: SLACK })

const onNodeOf = ({ spec }: SeenPod, argv: string[]) => execOnNode(session.cluster, spec.nodeName ?? '', argv)

/** Kills what containerd knows by this ID, a container or a sandbox, behind the kubelet's back. */
const killTask = (pod: SeenPod, id: string) =>
  onNodeOf(pod, ['ctr', '-n', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', id])

/** A chain whose first container starts slowly enough for a fault in the middle, and how it ends. */
async function slowChain(namespace: TestNamespace) {
  await namespace.apply([sequencedPod('chain', CONTAINERS, { ...CHAIN, containers: { db: SLOW } })])
  return isStarting(namespace, 'chain', 'db')
}

async function endsInOrder(namespace: TestNamespace): Promise<void> {
  await isReady(namespace, 'chain')
  await expectOrder(namespace, 'chain', EDGES)
}

test('a dependency that crashes on its first two tries: its dependents wait for the third', async () => {
  const namespace = await namespaceOf('crash')
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
  await expectOrder(namespace, 'chain', EDGES)
})

test("a gate's process killed while it waits: the gate runs again and the order holds", async () => {
  const namespace = await namespaceOf('gate')
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
  await endsInOrder(namespace)
})

test('the sandbox killed in the middle of a start: a new one starts in order', async () => {
  const namespace = await namespaceOf('sandbox')
  const before = await slowChain(namespace)
  const filter = `labels."io.kubernetes.pod.uid"==${before.metadata.uid},labels."io.cri-containerd.kind"==sandbox`
  const { stdout } = await onNodeOf(before, ['ctr', '-n', 'k8s.io', 'containers', 'ls', '-q', filter])
  expect(stdout.trim()).toMatch(/^[0-9a-f]{64}$/)
  await killTask(before, stdout.trim())
  await isReadyAgain(namespace, before, ['db'])
  await endsInOrder(namespace)
})

test('the container runtime restarted in the middle of a start: the order holds and the pod gets ready', async () => {
  const namespace = await namespaceOf('runtime')
  const { spec } = await slowChain(namespace)
  const node = spec.nodeName ?? ''
  onTestFinished(() => runtime(session.cluster, node, 'start'))
  await runtime(session.cluster, node, 'restart')
  await endsInOrder(namespace)
})

test('all lease services restarted in the middle of a start: the order holds and the pod gets ready', async () => {
  const namespace = await namespaceOf('service')
  await slowChain(namespace)
  const restore = await takeDown(session.kubectl, 'startgate-lease-service')
  onTestFinished(restore, limits.rollout.ms)
  await restore()
  await endsInOrder(namespace)
})
