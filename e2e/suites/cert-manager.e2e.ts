import { afterAll, beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { type CertManager, startCertManager } from '../harness/cert-manager.ts'
import { bothServe, replaceLeaseService, secretKey, system } from '../harness/certificates.ts'
import { pod } from '../harness/pod-templates.ts'
import { E2E_VALUES, namespaceFor, observerFor, openCluster, openSession, type Session } from '../harness/session.ts'
import { programPods } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { waitingHerd } from '../workloads/waiting-herd.ts'

const SERVING = {
  webhook: 'startgate-cert-manager-webhook',
  'lease-service': 'startgate-cert-manager-lease-service',
}
const CAS = 'startgate-cert-manager-ca'
const WAITING = 4

let session: Session
let certManager: CertManager
beforeAll(async () => {
  const cluster = await openCluster()
  certManager = await startCertManager(cluster)
  session = await openSession({ ...E2E_VALUES, certificates: { provider: 'certManager' } })
})
// Back to certificates of our own while helm can still delete what it made of cert-manager's kinds.
afterAll(async () => {
  await openSession()
  await certManager.stop()
  await certManager.removeCrds()
  await system(session, ['delete', 'secret', ...Object.values(SERVING), CAS])
})

/** Renews a Certificate as `cmctl renew` does; returns what its Secret holds then. */
async function renewed(certificate: string, secret: string): Promise<string> {
  const before = await secretKey(session, secret, 'tls.crt')
  const condition = { type: 'Issuing', status: 'True', reason: 'ManuallyTriggered', message: 'by the e2e suite' }
  const patch = JSON.stringify({ status: { conditions: [{ ...condition, lastTransitionTime: new Date() }] } })
  await system(session, ['patch', 'certificate', certificate, '--subresource=status', '--type=merge', '-p', patch])
  const another = async () => {
    const now = await secretKey(session, secret, 'tls.crt')
    return now !== '' && now !== before && now
  }
  return waitFor(`${certificate} is issued anew`, another, limits.settingSeen)
}

test("cert-manager's certificate is served, and its CA reaches the API server and the gates", async () => {
  await bothServe(session, SERVING)
  const namespace = await namespaceFor(session, { word: 'cm', gated: true })
  const made = JSON.stringify({ ...pod('gated', { image: APP_IMAGE }) })
  const args = ['apply', '--dry-run=server', '-n', namespace.name, '-o', 'json', '-f', '-']
  const hasCa = async () => {
    const ca = await secretKey(session, SERVING.webhook, 'ca.crt')
    return (await session.kubectl.run(args, made)).stdout.includes(JSON.stringify(ca).slice(1, -1))
  }
  await waitFor('a pod would be gated, by gates with the CA of the Secret', hasCa, limits.podReady)
})

test('certificate and CA are renewed under waiting gates, who find the service by the CA they were made with', async () => {
  const observer = await observerFor(session)
  const herd = await waitingHerd(session, observer, WAITING)
  const [before, oldCa] = [await programPods(session.kubectl), await secretKey(session, SERVING.webhook, 'ca.crt')]
  await renewed('startgate-ca', CAS)
  await renewed('startgate-webhook', SERVING.webhook)
  await renewed('startgate-lease-service', SERVING['lease-service'])
  expect(await secretKey(session, SERVING.webhook, 'ca.crt')).not.toBe(oldCa)
  await bothServe(session, SERVING)
  expect(await programPods(session.kubectl)).toEqual(before)
  await replaceLeaseService(session)
  expect(await herd.thaw()).toEqual(Array(WAITING).fill('granted'))
})
