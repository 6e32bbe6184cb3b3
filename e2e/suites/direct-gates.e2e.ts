import { beforeAll, expect, test } from 'vitest'
import { leaseServices, signal } from '../faults/node-processes.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { DIRECT_VALUES, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { expectKept, startHerd } from '../workloads/faulted-herd.ts'

/* Without waiters: each gate is a Node program with a connection of its own. The other suites run with waiters. */

let session: Session
beforeAll(async () => {
  session = await openSession(DIRECT_VALUES)
})

const leader = async () => {
  const [first] = await waitFor('one leads', () => leaseServices(session.cluster, session.kubectl), limits.takeover)
  if (!first) throw new Error('no lease service runs')
  return first
}

test('a herd whose gates ask by themselves, the leader killed, then the next one deleted: the limit holds and nobody is stuck', async () => {
  const herd = await startHerd(session, 'direct')
  await herd.begun(8)
  herd.fault('SIGKILL of the leader')
  await signal(session.cluster, await leader(), 'KILL')
  await herd.begun(24)
  const { pod } = await leader()
  herd.fault('deletion of the leader')
  await session.kubectl.run(['delete', 'pod', pod, '-n', SYSTEM_NAMESPACE, '--wait=false'])
  await expectKept(session, herd)
  const [first] = herd.observer.pods(herd.namespace.name)
  const gates = first?.spec.initContainers as { name: string; command?: string[] }[] | undefined
  expect(gates?.find(({ name }) => name === 'startgate-start')?.command).toEqual(['node', '/app/gate.mjs'])
})
