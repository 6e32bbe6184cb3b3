import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { leaseServices, signal } from '../faults/node-processes.ts'
import { startGateLogs } from '../harness/gate-verdict.ts'
import { installStartgate, SYSTEM_NAMESPACE } from '../harness/install.ts'
import { E2E_VALUES, openSession, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { peakBetween } from '../observer/starting-fold.ts'
import { expectKept, expectNoSlots, HERD, heldIn, LIMIT, startHerd } from '../workloads/faulted-herd.ts'

const SECRET = ['secret', 'startgate-ca', '-n', SYSTEM_NAMESPACE]

let session: Session
beforeAll(async () => {
  session = await openSession()
})

test('limits lowered, frozen and raised while a herd starts, and its namespace deleted: each holds from then on, no slot is left', async () => {
  const herd = await startHerd(session, 'live')
  const { observer, namespace } = herd
  const report = () => observer.starting([namespace.name])
  // Few may be starting just because others are between their grant and their start.
  const isDownTo = async (limit: number) =>
    (await saysLimit(namespace, limit)) &&
    (await heldIn(session, namespace.name)) <= limit &&
    (report().timeline.at(-1)?.count ?? 0) <= limit
  await herd.begun(10)

  await namespace.set({ 'max-starting': '2' })
  await waitFor('no more than two are starting', () => isDownTo(2), limits.limitInForce)
  const loweredAtMs = Date.now()
  await herd.begun(report().spans.length + 6)
  expect(peakBetween(report(), loweredAtMs, Date.now())).toBeLessThanOrEqual(2)

  await namespace.set({ 'max-starting': '0' })
  await waitFor('nothing is starting', () => isDownTo(0), limits.limitInForce)
  const frozen = report().spans.length
  expect(frozen).toBeLessThan(HERD)
  await sleep(limits.frozen.ms)
  expect(report().spans).toHaveLength(frozen)

  await namespace.set({ 'max-starting': String(LIMIT) })
  const thawedAtMs = Date.now()
  const isThawed = () => peakBetween(report(), thawedAtMs, Date.now()) > 2
  await waitFor('more than two are starting again', isThawed, limits.faultedHerd)

  const neighbour = await startHerd(session, 'neighbour', { replicas: 10 })
  await session.kubectl.run(['delete', 'namespace', namespace.name])
  await expectNoSlots(session, namespace.name)
  expect(report().peak.count).toBeLessThanOrEqual(LIMIT)
  await expectKept(session, neighbour, { replicas: 10 })
})

test('half of the herd deleted, the CA rotated and the chart upgraded: all gates trust the new CA, all go on', async () => {
  const herd = await startHerd(session, 'changes')
  const { observer, namespace } = herd
  await herd.begun(8)
  const doomed = observer.pods(namespace.name).filter((_, i) => i % 2 === 0)
  // Their Deployment makes as many new ones, which go to the end of the line.
  const names = doomed.map(p => p.metadata.name)
  herd.fault('deletion of thirty pods')
  await session.kubectl.run(['delete', 'pods', '-n', namespace.name, '--wait=false', ...names])
  const areGone = () => !observer.pods(namespace.name).some(p => names.includes(p.metadata.name))
  await waitFor('the deleted pods are gone', areGone, limits.namespaceGone)

  // Frozen, since gates that are connected already need no certificate: each that is left has to come back by the new
  // CA.
  await namespace.set({ 'max-starting': '0' })
  const isFrozen = () => observer.starting([namespace.name]).timeline.at(-1)?.count === 0
  await waitFor('nothing is starting', isFrozen, limits.settingSeen)
  const before = await signingCa()
  const spoil = JSON.stringify([{ op: 'replace', path: '/data/signing-ca.key', value: 'c3BvaWxlZA==' }])
  herd.fault('the signing key of the CA spoiled')
  await session.kubectl.run(['patch', ...SECRET, '--type=json', `--patch=${spoil}`])
  await waitFor('another CA signs', async () => (await signingCa()) !== before, limits.settingSeen)

  const replicas = await leaseServices(session.cluster, session.kubectl)
  herd.fault(`SIGKILL of all ${replicas.length} replicas`)
  await Promise.all(replicas.map(replica => signal(session.cluster, replica, 'KILL')))
  await namespace.set({ 'max-starting': String(LIMIT) })

  herd.fault('helm upgrade')
  // A value that every pod of ours carries: both parts roll, so every gate meets the new CA.
  await installStartgate(session.cluster, { values: { ...E2E_VALUES, waitingEventAfter: '6s' } })
  await expectKept(session, herd)
})

/** Whether a gate has been told that it waits for this limit, so that nothing is granted beyond it any more. */
async function saysLimit(namespace: TestNamespace, limit: number): Promise<boolean> {
  return (await startGateLogs(namespace, 1)).includes(limit === 0 ? 'frozen by ' : `of ${limit} slots in use`)
}

async function signingCa(): Promise<string | undefined> {
  return (await session.kubectl.json<{ data: Record<string, string> }>(['get', ...SECRET])).data['signing-ca.crt']
}
