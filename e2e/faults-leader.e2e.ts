import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, onTestFinished, test } from 'vitest'
import { expectKept, startHerd } from './framework/faulted-herd.ts'
import { SYSTEM_NAMESPACE } from './framework/install.ts'
import { leaseServices, signal } from './framework/node-processes.ts'
import { openSession, type Session } from './framework/session.ts'

/** Long past the leader's lease (8 s): another one has taken over and grants when it wakes. */
const STOPPED_MS = 30_000

let session: Session
beforeAll(async () => {
  session = await openSession()
})

test('leader killed, then told to end: the limit holds, nothing leaks, nobody is stuck, the order is kept', async () => {
  const herd = await startHerd(session, 'leader')
  await herd.begun(8)
  const [leader] = await leaseServices(session.cluster, session.kubectl)
  if (!leader) throw new Error('no leader')
  herd.fault('SIGKILL of the leader')
  await signal(session.cluster, leader, 'KILL')
  await herd.begun(32)
  const [next] = await leaseServices(session.cluster, session.kubectl)
  herd.fault('deletion of the leader')
  await session.kubectl.run(['delete', 'pod', next?.pod ?? '', '-n', SYSTEM_NAMESPACE, '--wait=false'])
  await expectKept(session, herd)
})

test('all replicas killed at once: the gates wait for the next, and it goes on where they stopped', async () => {
  const herd = await startHerd(session, 'replicas')
  await herd.begun(15)
  const all = await leaseServices(session.cluster, session.kubectl)
  herd.fault('SIGKILL of all replicas')
  await Promise.all(all.map(one => signal(session.cluster, one, 'KILL')))
  await expectKept(session, herd)
})

test('leader stopped for 30 s and woken: it grants nothing of what another has granted meanwhile', async () => {
  const herd = await startHerd(session, 'stopped')
  await herd.begun(8 + Math.floor(Math.random() * 20))
  const [leader] = await leaseServices(session.cluster, session.kubectl)
  if (!leader) throw new Error('no leader')
  onTestFinished(() => signal(session.cluster, leader, 'CONT').catch(() => undefined))
  herd.fault('SIGSTOP of the leader')
  await signal(session.cluster, leader, 'STOP')
  await sleep(STOPPED_MS)
  herd.fault('SIGCONT')
  await signal(session.cluster, leader, 'CONT')
  await expectKept(session, herd)
})
