import { type AddressInfo, connect as connectTcp } from 'node:net'
import { createServer } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { ServingIdentity } from '../../certs/identity.ts'
import { madeIdentity } from '../../certs/testing/made-identity.ts'
import { madeNamespace, madePod } from '../../gate/lease-service/testing/made-pods.ts'
import { quiet } from '../../gate/lease-service/testing/made-service.ts'
import { madeStateServer } from '../../gate/lease-service/testing/made-state-server.ts'
import { type FakeApi, fakeApi } from './fake-api.ts'

const SYSTEM = '/namespaces/startgate-system'
export const WEBHOOK = 'GET /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/startgate'
export const LEASE = `GET /apis/coordination.k8s.io/v1${SYSTEM}/leases/startgate-leader`
export const LEADER = `GET /api/v1${SYSTEM}/pods/lease-service-0`
export const TOKEN = `POST /api/v1${SYSTEM}/serviceaccounts/startgate-viewer/token`
/** Keys take long to make. */
let identityOfAll: Promise<ServingIdentity> | undefined

/**
 * For tests: a cluster, as an API server on loopback shows it, in which pod `a` starts on worker-1, `b` and `c` wait
 * behind it, and lease-service-0 leads.
 */
export async function ledCluster(user: object = { token: 'all' }) {
  identityOfAll ??= madeIdentity('startgate-lease-service.startgate-system.svc')
  const identity = await identityOfAll
  const made = await madeStateServer([madePod('a'), madePod('b'), madePod('c')])
  made.service.namespaceChanged(madeNamespace({ 'startgate.dev/max-starting': '5' }))
  await made.service.startLeading(7)
  for (const name of ['a', 'b', 'c']) await made.ask(name)
  await quiet()
  const tls = createServer({ cert: identity.certPem, key: identity.keyPem }, socket => {
    const plain = connectTcp(made.port, '127.0.0.1')
    socket.pipe(plain).pipe(socket)
    for (const one of [socket, plain]) one.on('error', () => undefined)
  })
  await new Promise<void>(resolve => tls.listen(0, '127.0.0.1', resolve))
  const api = await fakeApi(user)
  onTestFinished(async () => {
    tls.close()
    await api.close()
  })
  api.forwards['startgate-system/lease-service-0/8444'] = (tls.address() as AddressInfo).port
  Object.assign(api.answers, answers(identity))
  return { api, made }
}

function answers(identity: ServingIdentity): FakeApi['answers'] {
  const caBundle = Buffer.from(identity.caBundlePem).toString('base64')
  const service = { namespace: 'startgate-system', name: 'startgate-webhook' }
  return {
    [WEBHOOK]: { metadata: {}, webhooks: [{ name: 'w', clientConfig: { caBundle, service } }] },
    // Nobody may create one but who is given it.
    [TOKEN]: 403,
    [LEASE]: { metadata: {}, spec: { holderIdentity: 'lease-service-0_1' } },
    [LEADER]: {
      metadata: { name: 'lease-service-0' },
      spec: { containers: [{ name: 'c', ports: [{ name: 'metrics', containerPort: 8444 }] }] },
    },
    'GET /api/v1/namespaces/shop/pods/c': { ...madePod('c'), status: { initContainerStatuses: [RUNNING_GATE] } },
    'GET /api/v1/namespaces/shop/events': { items: [] },
    'GET /api/v1/namespaces/shop': madeNamespace({}),
  }
}

const RUNNING_GATE = {
  name: 'startgate-start',
  ready: false,
  restartCount: 0,
  state: { running: { startedAt: '2023-11-14T22:13:00Z' } },
}
