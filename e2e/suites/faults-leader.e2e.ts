import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { cut, toApiServer, toPort } from '../faults/network-cut.ts'
import { leaseServices, type NodeProcesses, signal } from '../faults/node-processes.ts'
import { skewLeaseServices } from '../faults/skewed-service.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { openSession, type Session } from '../harness/session.ts'
import { leaderTerm } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { expectKept, startHerd } from '../workloads/faulted-herd.ts'

/** Long enough that gates notice the silence, shorter than their patience. */
const CUT_MS = 20_000
/**
 * Two faults end a leader, and a loaded machine may do so once or twice more; replicas that believed each other's
 * clocks would change for ever.
 */
const MOST_TERMS = 6
/** `leaseService.port` of the chart. */
const LISTEN_PORT = 8443

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
  // The deleted one may be shown as running when its process has ended.
  const all = await waitFor('all that are shown as running do run', replicas, limits.takeover)
  herd.fault(`SIGKILL of all ${all.length} replicas`)
  await Promise.all(all.map(replica => signal(session.cluster, replica, 'KILL')))
  await expectKept(session, herd)
})

test('the leader stopped, then cut off from the API server, then from the gates, all with clocks an hour off: what it wanted to grant counts for nothing', async () => {
  await skewLeaseServices(session)
  const term = await leaderTerm(session.kubectl)
  const herd = await startHerd(session, 'silent')
  await herd.begun(8)
  const first = await leader()
  onTestFinished(() => signal(session.cluster, first, 'CONT').catch(() => undefined))
  herd.fault('SIGSTOP of the leader')
  await signal(session.cluster, first, 'STOP')
  await anotherLeads(first)
  await herd.begun(20)
  herd.fault('SIGCONT of the former leader')
  await signal(session.cluster, first, 'CONT')

  const second = await leader()
  herd.fault('the leader cut off from the API server')
  const mendApi = await cut(session.cluster, second, toApiServer)
  onTestFinished(mendApi)
  await anotherLeads(second)
  await herd.begun(32)
  await mendApi()

  const third = await leader()
  herd.fault('the gates cut off from the leader')
  const mendGates = await cut(session.cluster, third, toPort(LISTEN_PORT))
  onTestFinished(mendGates)
  await sleep(CUT_MS)
  herd.fault('the cut mended')
  await mendGates()
  await expectKept(session, herd)
  expect((await leaderTerm(session.kubectl)) - term).toBeLessThanOrEqual(MOST_TERMS)
})
