import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, onTestFinished, test } from 'vitest'
import { expectKept, startHerd } from './framework/faulted-herd.ts'
import { SYSTEM_NAMESPACE } from './framework/install.ts'
import { limits } from './framework/limits.ts'
import { cut, toApiServer, toPort } from './framework/network-cut.ts'
import { leaseServices, type NodeProcesses, signal } from './framework/node-processes.ts'
import { openSession, type Session } from './framework/session.ts'
import { waitFor } from './framework/wait-for.ts'

/** Longer than the renew deadline of a leader, shorter than any gate's patience. */
const CUT_MS = 20_000

let session: Session
beforeAll(async () => {
  session = await openSession()
})

const replicas = () => leaseServices(session.cluster, session.kubectl)

async function leader(): Promise<NodeProcesses> {
  const [first] = await waitFor('one leads', replicas, limits.takeover)
  if (!first) throw new Error('no lease service runs')
  return first
}

function anotherLeads(than: NodeProcesses): Promise<unknown> {
  return waitFor(`another than ${than.pod} leads`, async () => (await replicas())[0]?.pod !== than.pod, limits.takeover)
}

test('the leader killed, the next one deleted, then all replicas killed: the limit holds and nobody is stuck', async () => {
  const herd = await startHerd(session, 'killed')
  await herd.begun(8)
  const first = await leader()
  herd.fault('SIGKILL of the leader')
  await signal(session.cluster, first, 'KILL')
  await herd.begun(24)
  const second = await leader()
  herd.fault('deletion of the leader')
  await session.kubectl.run(['delete', 'pod', second.pod, '-n', SYSTEM_NAMESPACE, '--wait=false'])
  await herd.begun(40)
  const all = await replicas()
  herd.fault(`SIGKILL of all ${all.length} replicas`)
  await Promise.all(all.map(replica => signal(session.cluster, replica, 'KILL')))
  await expectKept(session, herd)
})

test('the leader stopped until another leads and grants, then woken: what it still wants to grant counts for nothing', async () => {
  const herd = await startHerd(session, 'stopped')
  await herd.begun(8)
  const first = await leader()
  onTestFinished(() => signal(session.cluster, first, 'CONT').catch(() => undefined))
  herd.fault('SIGSTOP of the leader')
  await signal(session.cluster, first, 'STOP')
  await anotherLeads(first)
  await herd.begun(30)
  herd.fault('SIGCONT of the former leader')
  await signal(session.cluster, first, 'CONT')
  await expectKept(session, herd)
})

test('the leader cut off from the API server, then the gates from the leader: both mend, and all go on', async () => {
  const herd = await startHerd(session, 'cut')
  await herd.begun(8)
  const first = await leader()
  herd.fault('the leader cut off from the API server')
  const mendApi = await cut(session.cluster, first, toApiServer)
  onTestFinished(mendApi)
  await anotherLeads(first)
  await herd.begun(24)
  await mendApi()
  const second = await leader()
  herd.fault('the gates cut off from the leader')
  const mendGates = await cut(session.cluster, second, toPort(8443))
  onTestFinished(mendGates)
  await sleep(CUT_MS)
  herd.fault('the cut mended')
  await mendGates()
  await expectKept(session, herd)
})
