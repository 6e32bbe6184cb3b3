import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import {
  bothServe,
  CAS,
  publishedCas,
  replaceLeaseService,
  SERVING,
  secretKey,
  system,
} from '../harness/certificates.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { deployment } from '../harness/pod-templates.ts'
import { allReady } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { programPods } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { waitingHerd } from '../workloads/waiting-herd.ts'

const WAITING = 4
const HERD = 8

let session: Session
beforeAll(async () => {
  session = await openSession()
})

/** Overwrites a key of a Secret, and waits until what it concerns is made anew and served. */
async function tamper(secret: string, key: string): Promise<void> {
  const concerned = secret === CAS ? Object.values(SERVING) : [secret]
  const certificates = () => Promise.all(concerned.map(name => secretKey(session, name, 'tls.crt')))
  const before = await certificates()
  const patch = JSON.stringify({ stringData: { [key]: 'tampered' } })
  await system(session, ['patch', 'secret', secret, '--type=merge', '-p', patch])
  const another = async () =>
    (await certificates()).every((now, index) => now.startsWith('-----BEGIN') && now !== before[index])
  await waitFor('other serving certificates', another, limits.settingSeen)
  await bothServe(session)
}

test('serving certificate and CA are replaced while gates wait and pods are created: none is lost, nothing restarts', async () => {
  const observer = await observerFor(session)
  const waiting = await waitingHerd(session, observer, WAITING)
  const settings = { 'max-starting': '2', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'rotate', gated: true, settings })
  const before = await programPods(session.kubectl)
  const oldCas = await secretKey(session, SERVING['lease-service'], 'ca.crt')
  await namespace.apply([deployment('web', HERD, { image: APP_IMAGE, startSeconds: 2 })])

  for (const secret of Object.values(SERVING)) await tamper(secret, 'tls.key')
  await namespace.kubectl.run(['scale', 'deployment/web', `--replicas=${2 * HERD}`, '-n', namespace.name])
  // The one that signs is useless now: the next one takes over, which every gate has trusted from its first day.
  await tamper(CAS, 'signing-ca.key')
  const cas = await secretKey(session, SERVING['lease-service'], 'ca.crt')
  expect(cas).not.toBe(oldCas)
  expect(await publishedCas(session)).toBe(cas)
  expect(await programPods(session.kubectl)).toEqual(before)

  const pods = await allReady(observer, namespace.name, 2 * HERD, limits.herdReady)
  const gated = pods.filter(({ spec }) => spec.initContainers?.some(({ name }) => name === 'startgate-start'))
  expect(gated).toHaveLength(2 * HERD)
  expect(observer.starting([namespace.name]).peak.count).toBeLessThanOrEqual(2)
  // Those that wait have to connect again, to a certificate of a CA that did not sign when they were made.
  await replaceLeaseService(session)
  expect(await waiting.thaw()).toEqual(Array(WAITING).fill('granted'))
})

test('the keys of the CAs and of the webhook are in Secrets that the lease service may not read', async () => {
  const mayRead = async (part: string, secret: string) => {
    const as = `--as=system:serviceaccount:${SYSTEM_NAMESPACE}:startgate-${part}`
    // Exits with 1 at a no.
    return system(session, ['auth', 'can-i', 'get', `secret/${secret}`, as]).catch(() => 'no\n')
  }
  const answers = [CAS, SERVING.webhook, SERVING['lease-service']].map(secret => mayRead('lease-service', secret))
  expect(await Promise.all(answers)).toEqual(['no\n', 'no\n', 'yes\n'])
  // Written by the test before: a Secret that an older version left is divided when it is next written.
  const template = 'go-template={{range $key, $_ := .data}}{{$key}} {{end}}'
  for (const secret of Object.values(SERVING)) {
    const keys = await system(session, ['get', 'secret', secret, '-o', template])
    expect(keys.trim().split(' ')).toEqual(['ca.crt', 'tls.crt', 'tls.key'])
  }
})
