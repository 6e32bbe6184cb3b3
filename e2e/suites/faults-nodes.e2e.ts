import { beforeAll, onTestFinished, test } from 'vitest'
import { node } from '../cluster/cluster.ts'
import { openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import type { ObservedPod } from '../observer/cluster-events.ts'
import { expectKept, expectNoSlots, HERD, startHerd } from '../workloads/faulted-herd.ts'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

const worker = () => session.workers[1] ?? ''

test('a node rebooted, then lost: slots come back, the other node goes on, its own pods start again under the limit', async () => {
  // So long a start timeout that only the loss of the node can give its slots back.
  const herd = await startHerd(session, 'nodes', { annotations: { 'startgate.dev/start-timeout': '10m' } })
  const { observer, namespace } = herd
  await herd.begun(12)
  onTestFinished(() => node(session.cluster, worker(), 'start'))
  herd.fault('reboot of a node')
  await node(session.cluster, worker(), 'restart')
  await herd.begun(40)
  herd.fault('power cut of the node')
  await node(session.cluster, worker(), 'kill')
  const isReady = (pod: ObservedPod) =>
    pod.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True') ?? false
  const others = () => observer.pods(namespace.name).filter(p => p.spec.nodeName !== worker())
  await waitFor('all pods of the other node are Ready', () => others().every(isReady), limits.lostNode)
  await expectNoSlots(session, namespace.name, limits.lostNode)
  herd.fault('return of the node')
  await node(session.cluster, worker(), 'start')
  await expectKept(session, herd, { restarts: 2 * HERD })
})
