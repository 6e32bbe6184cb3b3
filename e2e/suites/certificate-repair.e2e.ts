import { beforeAll, expect, test } from 'vitest'
import { askWithClocks } from '../clients/skewed-gate.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { allExpired, SPOILS, spoilAndWait } from '../faults/spoiled-certificates.ts'
import { replaceLeaseService } from '../harness/certificates.ts'
import { startVerdict } from '../harness/gate-verdict.ts'
import { pod } from '../harness/pod-templates.ts'
import { allReady } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { programPods } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import type { Observer } from '../observer/observer.ts'
import { waitingHerd } from '../workloads/waiting-herd.ts'

const WAITING = 4

let session: Session
beforeAll(async () => {
  session = await openSession()
})

/** The verdict of the gate of a pod that is made now. */
async function admittedNow(observer: Observer): Promise<string | undefined> {
  const namespace = await namespaceFor(session, { word: 'repaired', gated: true })
  await namespace.apply([pod('new', { image: APP_IMAGE })])
  const [ready] = await allReady(observer, namespace.name, 1, limits.podReady)
  return ready && startVerdict(ready).verdict
}

test('whatever is written over the certificates is repaired while gates wait: new pods are gated, none is lost, nothing restarts', async () => {
  const observer = await observerFor(session)
  const waiting = await waitingHerd(session, observer, WAITING)
  const before = await programPods(session.kubectl)
  for (const [wrong, make] of Object.entries(SPOILS)) {
    await spoilAndWait(session, await make(session))
    expect(await admittedNow(observer), wrong).toBe('granted')
  }
  expect(await programPods(session.kubectl)).toEqual(before)
  // Those that wait have to connect again, by the CAs of the time before all that.
  await replaceLeaseService(session)
  expect(await waiting.thaw()).toEqual(Array(WAITING).fill('granted'))
})

test('when all CAs have expired at once, gates that are connected are granted all the same', async () => {
  const observer = await observerFor(session)
  const waiting = await waitingHerd(session, observer, WAITING)
  const before = await programPods(session.kubectl)
  await spoilAndWait(session, await allExpired(session))
  expect(await admittedNow(observer)).toBe('granted')
  expect(await waiting.thaw()).toEqual(Array(WAITING).fill('granted'))
  expect(await programPods(session.kubectl)).toEqual(before)
})

test('a clock that is most of an hour behind believes CAs and a certificate made just now', async () => {
  await spoilAndWait(session, await allExpired(session))
  const answers = await askWithClocks(session, ['-2h', '-50m', '+0', '+6d', '+8d'])
  const contact = expect.stringMatching(/^[A-Z_]+: /)
  expect(answers).toEqual({
    '-2h': 'certificate is not yet valid',
    '-50m': contact,
    '+0': contact,
    '+6d': contact,
    '+8d': 'certificate has expired',
  })
})
