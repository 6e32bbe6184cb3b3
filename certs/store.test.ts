import { expect, test } from 'vitest'
import { createKubeClientOn } from '../core/kube/client.ts'
import { KubeError } from '../core/kube/kube-error.ts'
import type { ApiRequest, ApiTransport } from '../core/kube/transport.ts'
import { kubernetesCaPublisher, kubernetesSecretStore } from './store.ts'

const NAME = { namespace: 'startgate-system', name: 'startgate-certificates' }

/** Answers each `METHOD path` with what is listed, a status for errors, and keeps the bodies. */
function transportOf(answers: Record<string, unknown>): { transport: ApiTransport; sent: ApiRequest[] } {
  const sent: ApiRequest[] = []
  const transport: ApiTransport = {
    async request<T>(request: ApiRequest): Promise<T> {
      sent.push(request)
      const answer = answers[`${request.method} ${request.path.split('/').slice(-2).join('/')}`]
      if (answer instanceof KubeError) throw answer
      return structuredClone(answer ?? {}) as T
    },
    openStream: () => Promise.reject(new Error('no stream is opened here')),
  }
  return { transport, sent }
}

const fault = (status: number, reason: string) => new KubeError(reason, { status, reason })
const stored = {
  metadata: { ...NAME, uid: 'u', resourceVersion: '7' },
  type: 'Opaque',
  data: { 'ca.crt': Buffer.from('pem').toString('base64') },
}

function storeOf(answers: Record<string, unknown>) {
  const { transport, sent } = transportOf(answers)
  return { store: kubernetesSecretStore(createKubeClientOn(transport), NAME, 'startgate-webhook'), sent }
}

test('a Secret that does not exist is nothing to read, not an error', async () => {
  expect(await storeOf({ 'GET secrets/startgate-certificates': fault(404, 'NotFound') }).store.read()).toBeUndefined()
})

test('a right that is missing is an error', async () => {
  await expect(storeOf({ 'GET secrets/startgate-certificates': fault(403, 'Forbidden') }).store.read()).rejects.toThrow(
    'Forbidden',
  )
})

test('the Secret made belongs to the Deployment, so that it goes away with it', async () => {
  const { store, sent } = storeOf({
    'GET deployments/startgate-webhook': { metadata: { uid: 'd-1' } },
    'POST startgate-system/secrets': stored,
  })
  expect(await store.create({ 'ca.crt': 'pem' })).toBe('Written')
  expect(sent.at(-1)?.body).toMatchObject({
    metadata: {
      ...NAME,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'startgate-webhook', uid: 'd-1' }],
    },
    data: { 'ca.crt': Buffer.from('pem').toString('base64') },
  })
})

test('who creates second has lost the race', async () => {
  const { store } = storeOf({
    'GET deployments/startgate-webhook': { metadata: { uid: 'd-1' } },
    'POST startgate-system/secrets': fault(409, 'AlreadyExists'),
  })
  expect(await store.create({})).toBe('Conflict')
})

test('a write is conditional on what was read and keeps its type', async () => {
  const { store, sent } = storeOf({
    'GET secrets/startgate-certificates': stored,
    'PUT secrets/startgate-certificates': stored,
  })
  const read = await store.read()
  expect(read?.data).toEqual({ 'ca.crt': 'pem' })
  expect(read && (await store.replace(read, { 'ca.crt': 'new' }))).toBe('Written')
  expect(sent.at(-1)?.body).toMatchObject({ type: 'Opaque', metadata: { resourceVersion: '7', uid: 'u' } })
})

test.each([fault(409, 'Conflict'), fault(404, 'NotFound')])(
  'a write that finds another Secret or none has lost the race: %s',
  async error => {
    const { store } = storeOf({ 'PUT secrets/startgate-certificates': error })
    expect(await store.replace({ data: {}, metadata: stored.metadata }, {})).toBe('Conflict')
  },
)

test('without a webhook configuration there is nowhere to publish', async () => {
  const { transport } = transportOf({ 'GET mutatingwebhookconfigurations/startgate': fault(404, 'NotFound') })
  expect(await kubernetesCaPublisher(createKubeClientOn(transport), 'startgate').publish('pem')).toBe('Absent')
})

test('the CAs are published as base64', async () => {
  const { transport, sent } = transportOf({
    'GET mutatingwebhookconfigurations/startgate': {
      metadata: { resourceVersion: '1' },
      webhooks: [{ name: 'w', clientConfig: {} }],
    },
  })
  expect(await kubernetesCaPublisher(createKubeClientOn(transport), 'startgate').publish('pem')).toBe('Patched')
  expect(JSON.stringify(sent.at(-1)?.body)).toContain(Buffer.from('pem').toString('base64'))
})
