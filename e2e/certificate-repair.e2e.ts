import { X509Certificate } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { splitPem } from '../certs/bundle.ts'
import { APP_IMAGE } from './cluster/cluster.ts'
import { bothServe, publishedCas, replaceLeaseService, replicas, secretKey } from './framework/certificates.ts'
import { startVerdict } from './framework/gate-verdict.ts'
import { limits } from './framework/limits.ts'
import type { Observer } from './framework/observer.ts'
import { allReady } from './framework/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from './framework/session.ts'
import { allExpired, SPOILS, type Spoiled, spoil } from './framework/spoiled-certificates.ts'
import { waitFor } from './framework/wait-for.ts'
import { waitingHerd } from './framework/waiting-herd.ts'
import { pod } from './framework/workloads.ts'

const SERVING = 'startgate-certificates'
const WAITING = 4

let session: Session
beforeAll(async () => {
  session = await openSession()
})

/** Spoils the certificates, waits for one that a client who believes `ca.crt` takes now, and until both programs serve it. */
async function spoilAndWait(spoiled: Spoiled): Promise<void> {
  const before = await secretKey(session, SERVING, 'tls.crt')
  await spoil(session, spoiled)
  const sound = async () => {
    const [pem, cas] = [await secretKey(session, SERVING, 'tls.crt'), await secretKey(session, SERVING, 'ca.crt')]
    const isNew = pem !== before && pem !== spoiled.serving['tls.crt']
    return isNew && isSound(pem, cas) && (await publishedCas(session)) === cas && pem
  }
  await bothServe(session, await waitFor('a sound serving certificate', sound, limits.settingSeen))
}

function isSound(pem: string, cas: string): boolean {
  const leaf = new X509Certificate(pem)
  const now = Date.now()
  const isSigned = splitPem(cas).some(ca => leaf.verify(new X509Certificate(ca).publicKey))
  return isSigned && leaf.validFromDate.getTime() < now && now < leaf.validToDate.getTime()
}

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
  const before = await replicas(session)
  for (const [wrong, make] of Object.entries(SPOILS)) {
    await spoilAndWait(await make(session))
    expect(await admittedNow(observer), wrong).toBe('granted')
  }
  expect(await replicas(session)).toBe(before)
  // Those that wait have to connect again, by the CAs of the time before all that.
  await replaceLeaseService(session)
  expect(await waiting.thaw()).toEqual(Array(WAITING).fill('granted'))
})

test('when all CAs have expired at once, gates that are connected are granted all the same', async () => {
  const observer = await observerFor(session)
  const waiting = await waitingHerd(session, observer, WAITING)
  const before = await replicas(session)
  await spoilAndWait(await allExpired(session))
  expect(await admittedNow(observer)).toBe('granted')
  expect(await waiting.thaw()).toEqual(Array(WAITING).fill('granted'))
  expect(await replicas(session)).toBe(before)
})
