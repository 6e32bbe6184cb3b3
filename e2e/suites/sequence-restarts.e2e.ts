import { beforeAll, onTestFinished, test } from 'vitest'
import { kubelet, runtime } from '../cluster/cluster.ts'
import { openSession, type Session } from '../harness/session.ts'
import { takeDown } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { chainEndsInOrder, slackNamespace, slowChain } from '../workloads/slow-chain.ts'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

test('the kubelet restarted in the middle of a start: the order holds and the pod gets ready', async () => {
  const namespace = await slackNamespace(session, 'kubelet')
  const { spec } = await slowChain(namespace)
  const node = spec.nodeName ?? ''
  onTestFinished(() => kubelet(session.cluster, node, 'start'))
  await kubelet(session.cluster, node, 'restart')
  await chainEndsInOrder(namespace)
})

test('the container runtime restarted in the middle of a start: the order holds and the pod gets ready', async () => {
  const namespace = await slackNamespace(session, 'runtime')
  const { spec } = await slowChain(namespace)
  const node = spec.nodeName ?? ''
  onTestFinished(() => runtime(session.cluster, node, 'start'))
  await runtime(session.cluster, node, 'restart')
  await chainEndsInOrder(namespace)
})

test('all lease services restarted in the middle of a start: the order holds and the pod gets ready', async () => {
  const namespace = await slackNamespace(session, 'service')
  await slowChain(namespace)
  const restore = await takeDown(session.kubectl, 'startgate-lease-service')
  onTestFinished(restore, limits.rollout.ms)
  await restore()
  await chainEndsInOrder(namespace)
})
