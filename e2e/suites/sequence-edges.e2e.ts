import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { execOnNode, kubelet, runtime } from '../cluster/cluster.ts'
import { E2E_VALUES, namespaceFor, openSession, type Session } from '../harness/session.ts'
import { takeDown } from '../harness/system.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { expectNoSlots } from '../workloads/faulted-herd.ts'
import { gateKinds, makesGates } from '../workloads/gate-kinds.ts'
import {
  containerIn,
  expectOrder,
  isReady,
  isReadyAgain,
  isStarting,
  readPod,
  runs,
  type SeenPod,
} from '../workloads/sequenced-pods.ts'
import { sequencedPod } from '../workloads/sequenced-work.ts'
import { CONTAINERS, chainEndsInOrder, PROBED_CHAIN, SLACK, slowChain } from '../workloads/slow-chain.ts'

/*
 * What opens the way from one container of a pod to the next: gates that end, and gates that stay. The other suites of
 * sequences run with the default, which is the second on a cluster of 1.36 or newer.
 */

let session: Session
afterAll(async () => {
  // As the other suites want it.
  if (session) await openSession()
})

const GATE = 'startgate-start-db'
/** A kubelet that is started anew takes what has run for 10 s to have started (kubernetes#142305). */
const LONG_HOLD_MS = 15_000

async function chainNamespace(word: string, settings: Record<string, string> = {}): Promise<TestNamespace> {
  return namespaceFor(session, { word, gated: true, settings: { ...SLACK, ...settings } })
}

/** A chain whose first gate has been held for long, and where that is. */
async function longHold(word: string): Promise<{ namespace: TestNamespace; node: string }> {
  const namespace = await chainNamespace(word, { 'max-starting': '0' })
  await makesGates(namespace, 'sidecar')
  await namespace.apply([sequencedPod('chain', CONTAINERS, PROBED_CHAIN)])
  const { spec } = await runs(namespace, 'chain', GATE)
  await sleep(LONG_HOLD_MS)
  return { namespace, node: spec.nodeName ?? '' }
}

/** For as long again nothing starts; when it may, all do in order. */
async function stillHeld(namespace: TestNamespace): Promise<void> {
  await sleep(LONG_HOLD_MS)
  expect(containerIn(await readPod(namespace, 'chain'), 'db')?.containerID ?? '').toBe('')
  await namespace.set({ 'max-starting': '50' })
  await chainEndsInOrder(namespace)
}

const kill = (pod: SeenPod, container: string) => {
  const id = containerIn(pod, container)?.containerID?.replace('containerd://', '') ?? ''
  const argv = ['ctr', '-n', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', id]
  return execOnNode(session.cluster, pod.spec.nodeName ?? '', argv)
}

describe.each(['init', 'sidecar'] as const)('sequence.gates: %s', kind => {
  test('a chain starts in order, and its sandbox killed in the middle does so again', async () => {
    session = await openSession({ ...E2E_VALUES, sequence: { gates: kind } })
    const namespace = await chainNamespace(kind)
    await makesGates(namespace, kind)
    const before = await slowChain(namespace, PROBED_CHAIN)
    expect(gateKinds((await readPod(namespace, 'chain')) as never)).toEqual(CONTAINERS.map(() => kind))
    const filter = `labels."io.kubernetes.pod.uid"==${before.metadata.uid},labels."io.cri-containerd.kind"==sandbox`
    const list = ['ctr', '-n', 'k8s.io', 'containers', 'ls', '-q', filter]
    const { stdout } = await execOnNode(session.cluster, before.spec.nodeName ?? '', list)
    const argv = ['ctr', '-n', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', stdout.trim()]
    await execOnNode(session.cluster, before.spec.nodeName ?? '', argv)
    await isReadyAgain(namespace, before, ['db'])
    await chainEndsInOrder(namespace)
    await expectNoSlots(session, namespace.name)
  })
})

describe('sequence.gates: auto, on kubelets of 1.36 and newer', () => {
  test('gates stay, and a kubelet restarted during a long hold starts nothing', async () => {
    session = await openSession()
    const { namespace, node } = await longHold('kubelet')
    onTestFinished(() => kubelet(session.cluster, node, 'start'))
    await kubelet(session.cluster, node, 'restart')
    await waitFor('the kubelet has started the gate anew', () => restarts(namespace, GATE, 1), limits.podReady)
    await stillHeld(namespace)
  })

  test('the container runtime killed and later the kubelet, in one hold: the gate is made anew, and nothing starts before it', async () => {
    const { namespace, node } = await longHold('both')
    onTestFinished(() => kubelet(session.cluster, node, 'start'))
    onTestFinished(() => runtime(session.cluster, node, 'start'))
    const killUnit = (unit: string) =>
      execOnNode(session.cluster, node, ['systemctl', 'kill', '--kill-whom=main', '--signal=SIGKILL', unit])
    await killUnit('containerd')
    await sleep(LONG_HOLD_MS)
    await killUnit('kubelet')
    const isAnew = async () => (containerIn(await readPod(namespace, 'chain'), GATE)?.restartCount ?? 0) > 0
    await waitFor('the gate is made anew', isAnew, limits.podReady)
    await stillHeld(namespace)
  })

  test('a gate that has passed and is killed comes back, and nothing else is touched', async () => {
    const namespace = await chainNamespace('killed')
    await makesGates(namespace, 'sidecar')
    await namespace.apply([sequencedPod('chain', CONTAINERS, PROBED_CHAIN)])
    const before = await isReady(namespace, 'chain')
    await kill(before, GATE)
    await waitFor('the gate is back', () => restarts(namespace, GATE, 1), limits.podReady)
    const after = await isReady(namespace, 'chain')
    for (const name of CONTAINERS)
      expect(containerIn(after, name)?.containerID).toBe(containerIn(before, name)?.containerID)
    await expectNoSlots(session, namespace.name)
  })

  test('a gate killed just after it has passed, in the middle of the start: the order holds', async () => {
    const namespace = await chainNamespace('middle')
    await makesGates(namespace, 'sidecar')
    await kill(await slowChain(namespace, PROBED_CHAIN), GATE)
    await isStarting(namespace, 'chain', 'db')
    await chainEndsInOrder(namespace)
    await expectNoSlots(session, namespace.name)
  })

  test('gates that fail open do so in order, and are told of when the service is back', async () => {
    const namespace = await chainNamespace('open', { 'fail-open-after': '5s', 'max-starting': '0' })
    await makesGates(namespace, 'sidecar')
    // Made before: without a leader that reads such gates, the webhook makes none.
    await namespace.apply([sequencedPod('chain', CONTAINERS, PROBED_CHAIN)])
    await runs(namespace, 'chain', GATE)
    const restore = await takeDown(session.kubectl, 'startgate-lease-service')
    onTestFinished(restore, limits.rollout.ms)
    await runs(namespace, 'chain', 'db')
    await namespace.set({ 'max-starting': '50' })
    await restore()
    await isReady(namespace, 'chain')
    await expectOrder(namespace, 'chain', [
      ['api', 'db'],
      ['web', 'api'],
    ])
    const told = namespace.eventOf('chain', /StartgateFailedOpen/)
    await waitFor('an Event tells of it', told, limits.eventSeen)
    await waitFor('the gate has ended once, to tell', () => restarts(namespace, GATE, 1), limits.podReady)
  })
})

async function restarts(namespace: TestNamespace, gate: string, count: number): Promise<boolean> {
  const status = containerIn(await readPod(namespace, 'chain'), gate)
  return status?.restartCount === count && status.state?.running !== undefined
}
