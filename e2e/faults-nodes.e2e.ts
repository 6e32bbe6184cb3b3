import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { node } from './cluster/cluster.ts'
import { expectKept, expectNoSlots, HERD, startHerd } from './framework/faulted-herd.ts'
import { limits } from './framework/limits.ts'
import { openSession, type Session } from './framework/session.ts'
import { waitFor } from './framework/wait-for.ts'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

const worker = () => session.workers[1] ?? ''

test('a node rebooted: what ran and what waited on it starts again under the limit, and nobody is stuck', async () => {
  const herd = await startHerd(session, 'rebooted')
  await herd.begun(20)
  onTestFinished(() => node(session.cluster, worker(), 'start'))
  herd.fault('reboot of a node')
  await node(session.cluster, worker(), 'restart')
  await expectKept(session, herd, { restarts: HERD })
})

test('a node lost: its slots come back, the pods of the other go on, and its own when it is back', async () => {
  const herd = await startHerd(session, 'lost')
  const { observer, namespace } = herd
  await herd.begun(20)
  onTestFinished(() => node(session.cluster, worker(), 'start'))
  herd.fault('power cut of a node')
  await node(session.cluster, worker(), 'kill')
  const ready = () =>
    observer
      .pods(namespace.name)
      .filter(p => p.spec.nodeName !== worker())
      .every(p => p.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True'))
  await waitFor('all pods of the other node are Ready', ready, limits.lostNode)
  await expectNoSlots(session, namespace.name, limits.lostNode)
  expect(observer.starting([namespace.name]).spans.some(s => s.node === worker())).toBe(true)
  herd.fault('return of the node')
  await node(session.cluster, worker(), 'start')
  await expectKept(session, herd, { restarts: HERD })
})
