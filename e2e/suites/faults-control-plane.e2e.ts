import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, onTestFinished, test } from 'vitest'
import { controlPlane, signal } from '../faults/node-processes.ts'
import { openSession, type Session } from '../harness/session.ts'
import { expectKept, startHerd } from '../workloads/faulted-herd.ts'

const PAUSE_MS = 10_000

let session: Session
beforeAll(async () => {
  session = await openSession()
})

test('the API server killed, then etcd paused for 10 s: no write, no grant, and nothing is lost when they go on', async () => {
  const herd = await startHerd(session, 'control-plane')
  await herd.begun(12)
  const api = await controlPlane(session.cluster, session.kubectl, 'kube-apiserver')
  const etcd = await controlPlane(session.cluster, session.kubectl, 'etcd')
  herd.fault('SIGKILL of the API server')
  await signal(session.cluster, api, 'KILL')
  await herd.begun(36)
  onTestFinished(() => signal(session.cluster, etcd, 'CONT'))
  herd.fault('SIGSTOP of etcd')
  await signal(session.cluster, etcd, 'STOP')
  await sleep(PAUSE_MS)
  herd.fault('SIGCONT of etcd')
  await signal(session.cluster, etcd, 'CONT')
  await expectKept(session, herd)
})
