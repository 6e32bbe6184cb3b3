import { beforeAll, test } from 'vitest'
import { expectKept, startHerd } from './framework/faulted-herd.ts'
import { SYSTEM_NAMESPACE } from './framework/install.ts'
import { leaseServices, signal } from './framework/node-processes.ts'
import { openSession, type Session } from './framework/session.ts'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

test('leader killed, then told to end: the limit holds, nothing leaks, nobody is stuck', async () => {
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
