import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { APP_IMAGE } from '../cluster/app-image.ts'
import { type Cut, cut } from '../faults/network-cut.ts'
import { leaseServices, processesOf, signal } from '../faults/node-processes.ts'
import { startGateLogs, startVerdict } from '../harness/gate-verdict.ts'
import { deleteWaiters, waitersGivenUp, waitersReady, withoutWaiters } from '../harness/node-waiters.ts'
import { deployment, pod, podTemplate } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import type { ObservedPod } from '../observer/cluster-events.ts'
import { expectKept, startHerd } from '../workloads/faulted-herd.ts'

/** What a gate logs when no waiter has answered it. */
const DIRECT = 'asking the lease service directly'
/** Longer than a waiter that is deleted stays away, shorter than the patience of gates. */
const AWAY_MS = 3_000

let session: Session
beforeAll(async () => {
  session = await openSession()
  await waitersReady(session.kubectl)
})

const FROZEN = { 'max-starting': '0', 'max-starting-per-node': '50' }
const commandsOf = (found: ObservedPod): unknown => {
  const { initContainers = [] } = found.spec as { initContainers?: { name: string; command?: string[] }[] }
  return initContainers.find(({ name }) => name === 'startgate-start')?.command
}

test('a herd through waiters, which are all deleted twice while gates wait, and then the leader killed: the limit holds, nobody fails open or asks by itself', async () => {
  const herd = await startHerd(session, 'restart')
  for (const begun of [8, 24]) {
    await herd.begun(begun)
    herd.fault('deletion of all waiters')
    await deleteWaiters(session.kubectl)
    await sleep(AWAY_MS)
    await waitersReady(session.kubectl)
  }
  await herd.begun(40)
  const [leader] = await leaseServices(session.cluster, session.kubectl)
  if (!leader) throw new Error('no lease service runs')
  herd.fault('SIGKILL of the leader')
  await signal(session.cluster, leader, 'KILL')
  await expectKept(session, herd)
  expect(await startGateLogs(herd.namespace)).not.toContain(DIRECT)
  const [first] = herd.observer.pods(herd.namespace.name)
  expect(first && commandsOf(first)).toEqual(['/busybox', 'sh', '/app/gate.sh'])
})

test('without waiters gates ask by themselves, and are granted; after a minute none looks for one any more', async () => {
  const bringBack = await withoutWaiters(session.kubectl)
  onTestFinished(bringBack, limits.rollout.ms)
  const observer = await observerFor(session)
  const settings = { 'max-starting': '2', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'direct', gated: true, settings })
  await namespace.apply([deployment('web', 4, { image: APP_IMAGE, startSeconds: 1 })])
  const pods = await allReady(observer, namespace.name, 4, limits.herdReady)
  expect(pods.map(found => startVerdict(found).verdict)).toEqual(Array(4).fill('granted'))
  expect((await startGateLogs(namespace)).split(DIRECT)).toHaveLength(5)

  await waitersGivenUp(session.kubectl)
  await namespace.apply([pod('later', { image: APP_IMAGE })])
  const later = await podIs(observer, [namespace.name, 'later'], { phase: 'ready' }, limits.podReady)
  expect(commandsOf(later)).toEqual(['node', '/app/gate.mjs'])
  expect(startVerdict(later).verdict).toBe('granted')
})

test('a namespace that lets nothing out: its gates reach their node, also anew, and are granted', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'denied', gated: true, settings: FROZEN })
  const nothing = { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }
  await namespace.apply([
    { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'nothing' }, spec: nothing },
  ])
  const [node = ''] = session.workers
  await namespace.apply([pod('app', { probe: 'file', image: APP_IMAGE, node })])
  const waiting = { phase: 'pending', gate: 'startgate-start' } as const
  await podIs(observer, [namespace.name, 'app'], waiting, limits.gateRunning)
  const found = await namespace.get<Parameters<typeof processesOf>[1] & { status: { hostIP: string } }>(['pod', 'app'])
  // Not every network plugin keeps policies: what one leaves by the API's definition, by hand.
  const allButItsNode: Cut = ['OUTPUT', '-p', 'tcp', '!', '-d', found.status.hostIP, '-j', 'DROP']
  await cut(session.cluster, await processesOf(session.cluster, found), allButItsNode)
  await deleteWaiters(session.kubectl, node)
  await sleep(AWAY_MS)
  await waitersReady(session.kubectl)
  await namespace.set({ 'max-starting': '1' })
  const ready = await podIs(observer, [namespace.name, 'app'], { phase: 'ready' }, limits.podReady)
  expect(startVerdict(ready).verdict).toBe('granted')
  expect(await startGateLogs(namespace)).not.toContain(DIRECT)
})

test('a pod with less memory than the Node program needs is gated, and asks for no more than before', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'small', gated: true, settings: FROZEN })
  const small = { cpu: '50m', memory: '32Mi' }
  const { spec: made } = podTemplate('app', { probe: 'file', image: APP_IMAGE })
  const containers = (made.containers as object[]).map(container => ({
    ...container,
    resources: { requests: small, limits: small },
  }))
  const plain = pod('app', { probe: 'file', image: APP_IMAGE })
  await namespace.apply([{ ...plain, spec: { ...made, containers } }])
  await podIs(observer, [namespace.name, 'app'], { phase: 'pending', gate: 'startgate-start' }, limits.gateRunning)
  await namespace.set({ 'max-starting': '1' })
  const ready = await podIs(observer, [namespace.name, 'app'], { phase: 'ready' }, limits.podReady)
  expect(startVerdict(ready).verdict).toBe('granted')
  const { spec } = await namespace.get<{ spec: { initContainers: { resources: object }[] } }>(['pod', 'app'])
  for (const { resources } of spec.initContainers) expect(resources).toEqual({ requests: small, limits: small })
})
