import { readFile, writeFile } from 'node:fs/promises'
import type { Server } from 'node:tls'
import { createServer } from 'node:tls'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ServingIdentity } from '../../certs/identity.ts'
import { madeIdentity } from '../../certs/testing/made-identity.ts'
import { goodConfig } from '../../core/testing/good-config.ts'
import { type FakeApi, fakeApi } from '../testing/fake-api.ts'
import { ran } from '../testing/made-io.ts'

/* `check` from the command line to the lines, against an API server on loopback. */

let api: FakeApi
let identity: ServingIdentity
let served: Server
beforeAll(async () => {
  api = await fakeApi()
  identity = await madeIdentity('startgate-webhook.startgate-system.svc')
  served = createServer({ cert: identity.certPem, key: identity.keyPem })
  served.on('tlsClientError', () => undefined)
  await new Promise<void>(resolve => served.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  served.close()
  await api.close()
})

const SYSTEM = '/namespaces/startgate-system'
const nowIso = () => new Date(Math.floor(Date.now() / 1000) * 1000).toISOString()
const deployment = {
  metadata: { labels: { 'app.kubernetes.io/version': '0.1.0' } },
  spec: { replicas: 1, template: { spec: { containers: [{ name: 'c', image: 'startgate:0.1.0' }] } } },
  status: { availableReplicas: 1 },
}
const allowed = { status: { allowed: true } }

function goodAnswers(): FakeApi['answers'] {
  const bundle = Buffer.from(identity.caBundlePem).toString('base64')
  return {
    'GET /version': { gitVersion: 'v1.31.0', major: '1', minor: '31' },
    'GET /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/startgate': {
      metadata: { name: 'startgate' },
      webhooks: [{ name: 'w', failurePolicy: 'Ignore', clientConfig: { caBundle: bundle, service: { namespace: 'startgate-system', name: 'startgate-webhook' } } }],
    },
    'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews': allowed,
    [`GET /api/v1${SYSTEM}/configmaps/startgate-config`]: { data: { 'config.json': JSON.stringify(goodConfig()) } },
    [`GET /apis/coordination.k8s.io/v1${SYSTEM}/leases/startgate-leader`]: () => ({
      metadata: {},
      spec: { holderIdentity: 'pod-1_x', leaseDurationSeconds: 7, renewTime: nowIso() },
    }),
    'GET /api/v1/namespaces': { items: [{ metadata: { name: 'shop', labels: { 'startgate.dev/injection': 'enabled' } } }] },
    'GET /apis/networking.k8s.io/v1/networkpolicies': { items: [] },
    [`GET /apis/apps/v1${SYSTEM}/deployments/startgate-webhook`]: deployment,
    [`GET /apis/apps/v1${SYSTEM}/deployments/startgate-lease-service`]: deployment,
    [`GET /apis/discovery.k8s.io/v1${SYSTEM}/endpointslices`]: { items: [{ endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }] }] },
    [`GET /api/v1${SYSTEM}/pods`]: {
      items: [{ metadata: { name: 'pod-1', labels: {} }, spec: { containers: [{ name: 'c', ports: [{ name: 'https', containerPort: 8443 }] }] }, status: { containerStatuses: [{ name: 'c', ready: true, restartCount: 0 }] } }],
    },
    'GET /api/v1/pods': { items: [] },
    'GET /api/v1/namespaces/shop/pods': { items: [] },
    'POST /api/v1/namespaces/shop/pods': (pod: { spec: object }) => ({ ...pod, spec: { ...pod.spec, initContainers: [{ name: 'startgate-start' }] } }),
  }
} // biome-ignore format: objects of the API

beforeEach(() => {
  for (const key of Object.keys(api.answers)) delete api.answers[key]
  Object.assign(api.answers, goodAnswers())
  api.forwards['startgate-system/pod-1/8443'] = (served.address() as { port: number }).port
  api.seen.length = 0
})

const check = (...args: string[]) => ran(['check', '--kubeconfig', api.kubeconfig, ...args], { nowMs: Date.now })
const linesOf = (out: string): { id: string; verdict: string; sentence: string }[] => JSON.parse(out).lines

test('asks for everything, and finds the webhook good by its TLS too', async () => {
  const { out, code } = await check('-o', 'json')
  const lines = linesOf(out)
  // The pod serves the webhook's certificate, which is not the lease service's: exactly that is told.
  expect(lines.filter(({ verdict }) => verdict !== 'ok')).toEqual([
    expect.objectContaining({
      id: 'lease-service-certificate',
      sentence: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    }),
  ])
  expect(lines.find(({ id }) => id === 'webhook-certificate')?.sentence).toMatch(
    /that the caBundle verifies, good for \d d/,
  )
  expect(code).toBe(1)
  expect(api.seen).toContain('POST /api/v1/namespaces/shop/pods?dryRun=All')
})

const faults: Record<string, { given: FakeApi['answers']; want: [id: string, sentence: RegExp] }> = {
  'the webhook configuration is gone': { given: { 'GET /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/startgate': 404 }, want: ['installed', /not installed/] },
  'the webhook is not asked': { given: { 'POST /api/v1/namespaces/shop/pods': (pod: object) => pod }, want: ['webhook-answers', /gets no gates/] },
  'a Deployment is gone': { given: { [`GET /apis/apps/v1${SYSTEM}/deployments/startgate-webhook`]: 404 }, want: ['webhook-deployment', /no Deployment/] },
  'no endpoint is ready': { given: { [`GET /apis/discovery.k8s.io/v1${SYSTEM}/endpointslices`]: { items: [] } }, want: ['lease-service-endpoints', /no ready endpoint/] },
  'the waiters are not admitted': {
    given: {
      [`GET /api/v1${SYSTEM}/configmaps/startgate-config`]: { data: { 'config.json': JSON.stringify({ ...goodConfig(), nodeWaiter: { name: 'startgate-node-waiter', port: 7373 } }) } },
      [`GET /apis/apps/v1${SYSTEM}/daemonsets/startgate-node-waiter`]: { status: { desiredNumberScheduled: 2, currentNumberScheduled: 0 } },
      [`GET /api/v1${SYSTEM}/events`]: { items: [{ message: 'pods "x" is forbidden: violates PodSecurity "restricted:latest"' }] },
    },
    want: ['node-waiters', /^0 of 2 nodes have their waiter.*PodSecurity "restricted/],
  },
  'the Lease is not renewed': {
    given: { [`GET /apis/coordination.k8s.io/v1${SYSTEM}/leases/startgate-leader`]: { spec: { holderIdentity: 'pod-1_x', renewTime: '2026-01-01T00:00:00.000000Z' } } },
    want: ['leader', /nobody leads/],
  },
  'a policy denies egress': { given: { 'GET /apis/networking.k8s.io/v1/networkpolicies': { items: [{ metadata: { name: 'deny', namespace: 'shop' }, spec: { podSelector: {}, policyTypes: ['Egress'] } }] } }, want: ['network-policy', /NetworkPolicy deny/] },
  'namespaces may not be listed': { given: { 'GET /api/v1/namespaces': 403, 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews': ({ spec }: { spec: { resourceAttributes: { resource: string } } }) => ({ status: { allowed: spec.resourceAttributes.resource !== 'namespaces' } }) }, want: ['rights', /you may not list namespaces: /] },
  'the credentials are refused': { given: { 'GET /version': 401 }, want: ['api', /cannot be asked: .*401 Unauthorized/] },
} // biome-ignore format: a table
test.each(Object.entries(faults))('a fault in the cluster is named: %s', async (_, { given, want: [id, sentence] }) => {
  Object.assign(api.answers, given)
  const { out } = await check('-o', 'json')
  const found = linesOf(out).find(line => line.id === id)
  expect(found?.verdict).not.toBe('ok')
  expect(found?.sentence).toMatch(sentence)
})

test('a pod that cannot be forwarded to leaves the certificates unknown, with the reason', async () => {
  delete api.forwards['startgate-system/pod-1/8443']
  const { out, code } = await check('-o', 'json')
  expect(linesOf(out).filter(({ verdict }) => verdict === 'unknown')).toHaveLength(2)
  expect(out).toContain('Unexpected server response: 404')
  expect(code).toBe(3)
})

test('of one namespace only what is asked for is read', async () => {
  api.answers['GET /api/v1/namespaces/shop'] = {
    metadata: { name: 'shop', labels: { 'startgate.dev/injection': 'enabled' } },
  }
  api.answers['GET /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies'] = { items: [] }
  await check('-n', 'shop')
  expect(api.seen.filter(line => line.startsWith('GET /api/v1/namespaces?'))).toEqual([])
})

test('before installing', async () => {
  api.answers['GET /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/startgate'] = 404
  const { out, code } = await check('--pre')
  expect(out).toContain('✓ startgate is not installed yet')
  expect(code).toBe(0)
})

test('before installing by somebody who may not read the namespace, whose labels the chart looks at', async () => {
  api.answers['GET /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/startgate'] = 404
  api.answers['POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews'] = (review: object) => {
    const { resource } = (review as { spec: { resourceAttributes: { resource: string } } }).spec.resourceAttributes
    return { status: { allowed: resource !== 'namespaces' } }
  }
  const { out } = await check('--pre')
  expect(out).toContain('get namespaces startgate-system')
})

test('a kubeconfig that is not there, and a context that it has not', async () => {
  const missing = await ran(['check', '--kubeconfig', '/no/such'])
  expect(missing).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^error: kubeconfig: "\/no\/such" cannot be read/),
  })
  const context = await check('--context', 'there')
  expect(context).toMatchObject({ code: 2, err: 'error: --context: "there" is not in the kubeconfig; use here\n' })
})

test('an API server that is not there is a line, and has an exit code of its own', async () => {
  const gone = await fakeApi()
  const config = await readFile(gone.kubeconfig, 'utf8')
  await gone.close()
  const file = `${api.kubeconfig}-gone`
  await writeFile(file, config)
  const { out, code } = await ran(['check', '--kubeconfig', file])
  expect(out).toMatch(/^✗ the API server cannot be asked: .*ECONNREFUSED.*\n {2}→ .*kubectl version/)
  expect(code).toBe(3)
})
