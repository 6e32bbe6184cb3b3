import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from './cluster/cluster.ts'
import {
  bothServe,
  CAS,
  publishedCas,
  replaceLeaseService,
  replicas,
  SERVING,
  secretKey,
  system,
} from './framework/certificates.ts'
import { SYSTEM_NAMESPACE } from './framework/install.ts'
import { limits } from './framework/limits.ts'
import { allReady } from './framework/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from './framework/session.ts'
import { waitFor } from './framework/wait-for.ts'
import { waitingHerd } from './framework/waiting-herd.ts'
import { deployment } from './framework/workloads.ts'

const WAITING = 4
const HERD = 8

let session: Session
beforeAll(async () => {
  session = await openSession()
})

/** Overwrites a key of a Secret, and returns the serving certificate that the webhook has made then. */
async function tamper(secret: string, key: string): Promise<string> {
  const before = await secretKey(session, SERVING, 'tls.crt')
  const patch = JSON.stringify({ stringData: { [key]: 'tampered' } })
  await system(session, ['patch', 'secret', secret, '--type=merge', '-p', patch])
  const another = async () => {
    const now = await secretKey(session, SERVING, 'tls.crt')
    return now.startsWith('-----BEGIN') && now !== before && now
  }
  return waitFor('another serving certificate', another, limits.settingSeen)
}

test('serving certificate and CA are replaced while gates wait and pods are created: none is lost, nothing restarts', async () => {
  const observer = await observerFor(session)
  const waiting = await waitingHerd(session, observer, WAITING)
  const settings = { 'max-starting': '2', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'rotate', gated: true, settings })
  const before = await replicas(session)
  const oldCas = await secretKey(session, SERVING, 'ca.crt')
  await namespace.apply([deployment('web', HERD, { image: APP_IMAGE, startSeconds: 2 })])

  await bothServe(session, await tamper(SERVING, 'tls.key'))
  await namespace.kubectl.run(['scale', 'deployment/web', `--replicas=${2 * HERD}`, '-n', namespace.name])
  // The one that signs is useless now: the next one takes over, which every gate has trusted from its first day.
  await bothServe(session, await tamper(CAS, 'signing-ca.key'))
  const cas = await secretKey(session, SERVING, 'ca.crt')
  expect(cas).not.toBe(oldCas)
  expect(await publishedCas(session)).toBe(cas)
  expect(await replicas(session)).toBe(before)

  const pods = await allReady(observer, namespace.name, 2 * HERD, limits.herdReady)
  const gated = pods.filter(({ spec }) => spec.initContainers?.some(({ name }) => name === 'startgate-start'))
  expect(gated).toHaveLength(2 * HERD)
  expect(observer.starting([namespace.name]).peak.count).toBeLessThanOrEqual(2)
  // Those that wait have to connect again, to a certificate of a CA that did not sign when they were made.
  await replaceLeaseService(session)
  expect(await waiting.thaw()).toEqual(Array(WAITING).fill('granted'))
})

test('the CA keys are in a Secret that the lease service may not read', async () => {
  const mayRead = async (part: string, secret: string) => {
    const as = `--as=system:serviceaccount:${SYSTEM_NAMESPACE}:startgate-${part}`
    // Exits with 1 at a no.
    return system(session, ['auth', 'can-i', 'get', `secret/${secret}`, as]).catch(() => 'no\n')
  }
  expect([await mayRead('lease-service', CAS), await mayRead('lease-service', SERVING)]).toEqual(['no\n', 'yes\n'])
  // Written by the test before: a Secret that an older version left is divided when it is next written.
  const keys = ['get', 'secret', SERVING, '-o', 'go-template={{range $key, $_ := .data}}{{$key}} {{end}}']
  expect((await system(session, keys)).trim().split(' ')).toEqual(['ca.crt', 'tls.crt', 'tls.key'])
})
