import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Namespace } from '../../core/pod.ts'
import type { State } from '../../core/state-api.ts'
import { madeNamespace, madePod } from '../../gate/lease-service/testing/made-pods.ts'
import { quiet } from '../../gate/lease-service/testing/made-service.ts'
import { madeStateServer } from '../../gate/lease-service/testing/made-state-server.ts'
import { type FakeApi, fakeApi } from '../testing/fake-api.ts'
import { ran } from '../testing/made-io.ts'

/* freeze and resume against an API server on loopback that keeps a namespace, and what the lease service makes of it */

let api: FakeApi
let namespace: Namespace
let conflicts = 0
const WEBHOOK = 'GET /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/startgate'
beforeAll(async () => {
  api = await fakeApi()
})
afterAll(() => api.close())
beforeEach(() => {
  namespace = { ...madeNamespace({}), metadata: { ...madeNamespace({}).metadata, resourceVersion: '7' } }
  conflicts = 0
  for (const key of Object.keys(api.answers)) delete api.answers[key]
  const kept = keeping('shop')
  Object.assign(api.answers, kept, {
    [WEBHOOK]: { webhooks: [] },
    'POST /apis/authentication.k8s.io/v1/selfsubjectreviews': { status: { userInfo: { username: 'alice' } } },
  })
})

interface MergePatch {
  metadata: { resourceVersion: string; annotations: Record<string, string | null> }
}

function keeping(name: string): FakeApi['answers'] {
  return {
    [`GET /api/v1/namespaces/${name}`]: () => namespace,
    [`PATCH /api/v1/namespaces/${name}`]: ({ metadata }: MergePatch, request: { headers: Record<string, unknown> }) => {
      expect(request.headers['content-type']).toBe('application/merge-patch+json')
      if (conflicts-- > 0 || metadata.resourceVersion !== namespace.metadata.resourceVersion) return 409
      const merged = Object.entries({ ...namespace.metadata.annotations, ...metadata.annotations })
      const annotations = Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null))
      namespace = { ...namespace, metadata: { ...namespace.metadata, annotations } }
      return namespace
    },
  }
}

const on = (...args: string[]) => ran([...args, '--kubeconfig', api.kubeconfig])

test('a namespace is frozen with who, when and why, once, and let go again', async () => {
  const { out, err, code } = await on('freeze', '-n', 'shop', '--reason', 'the registry is down')
  expect({ out, err, code }).toEqual({
    out: 'namespace shop is frozen: no container starts and no image is pulled there until kubectl startgate resume -n shop\n',
    err: '',
    code: 0,
  })
  const text = 'alice 2026-01-01T00:00:00Z: the registry is down'
  expect(namespace.metadata.annotations).toEqual({ 'startgate.dev/frozen': text })
  expect((await on('freeze', '-n', 'shop', '--reason', 'mine')).out).toBe(
    `namespace shop is frozen already, by ${text}\n`,
  )
  expect(namespace.metadata.annotations).toEqual({ 'startgate.dev/frozen': text })
  expect((await on('resume', '-n', 'shop')).out).toBe(`namespace shop goes on; it was frozen by ${text}\n`)
  expect(namespace.metadata.annotations).toEqual({})
  expect((await on('resume', '-n', 'shop')).out).toBe('namespace shop is not frozen\n')
})

test('the cluster is frozen by the namespace of startgate', async () => {
  const service = { namespace: 'sg', name: 'startgate-webhook' }
  api.answers[WEBHOOK] = { webhooks: [{ clientConfig: { service } }] }
  Object.assign(api.answers, keeping('sg'))
  expect((await on('freeze', '--cluster')).out).toMatch(
    /^the cluster is frozen: .* until kubectl startgate resume --cluster\n$/,
  )
  expect(namespace.metadata.annotations).toEqual({ 'startgate.dev/frozen': 'alice 2026-01-01T00:00:00Z' })
  expect(JSON.parse((await on('resume', '--cluster', '-o', 'json')).out)).toMatchObject({
    changed: true,
    isCluster: true,
  })
})

test('a namespace that changed meanwhile is read again', async () => {
  conflicts = 2
  expect((await on('freeze', '-n', 'shop')).code).toBe(0)
  conflicts = 9
  expect((await on('resume', '-n', 'shop')).code).toBe(3)
})

test('what keeps a freeze from its end is told', async () => {
  namespace.metadata.labels = {}
  expect((await on('freeze', '-n', 'shop')).err).toBe('warning: it is not opted in, so its pods are not held back\n')
  namespace.metadata = {
    ...madeNamespace({ 'startgate.dev/mode': 'observe', 'startgate.dev/max-starting': '0' }).metadata,
  }
  expect((await on('freeze', '-n', 'shop')).err).toContain('its mode is observe')
  expect((await on('resume', '-n', 'shop')).err).toBe('warning: startgate.dev/max-starting: 0 goes on freezing it\n')
})

test.each([
  [['freeze'], 2, /nothing is named; use -n NAME or --cluster/],
  [['resume', '-n', 'shop', '--cluster'], 2, /-n and --cluster are both given/],
  [['freeze', '-n', 'none'], 2, /there is no namespace none/],
  [['freeze', '-n', 'shop', '--reason', 'x'.repeat(121)], 2, /--reason is 121 characters long; use at most 120/],
] as const)('%j ends with %d', async (args, code, err) => {
  const result = await on(...args)
  expect(result.code).toBe(code)
  expect(result.err).toMatch(err)
})

test('what the lease service takes for no freeze is none: written over by freeze, and taken away by resume', async () => {
  const bad = () => {
    namespace.metadata.annotations = { 'startgate.dev/frozen': 'false' }
  }
  bad()
  expect((await on('freeze', '-n', 'shop')).out).toMatch(/^namespace shop is frozen: no container starts/)
  expect(namespace.metadata.annotations).toEqual({ 'startgate.dev/frozen': 'alice 2026-01-01T00:00:00Z' })
  bad()
  expect((await on('resume', '-n', 'shop')).out).toBe(
    'namespace shop goes on; startgate.dev/frozen: "false" did not lift a freeze\n',
  )
  expect(namespace.metadata.annotations).toEqual({})
})

test('where startgate is not there, or not seen, a frozen namespace is told so; the cluster cannot be frozen', async () => {
  api.answers[WEBHOOK] = 404
  expect(await on('freeze', '-n', 'shop')).toMatchObject({
    code: 0,
    err: 'warning: startgate is not installed in this cluster, so nothing is held back\n',
  })
  expect(await on('freeze', '--cluster')).toMatchObject({ code: 3, err: expect.stringContaining('not installed') })
  api.answers[WEBHOOK] = 403
  expect((await on('freeze', '-n', 'shop')).err).toMatch(
    /^warning: whether startgate is installed is not known: the MutatingWebhookConfiguration startgate cannot be read: .*403/,
  )
})

test('who may not write the namespace is told so', async () => {
  api.answers['PATCH /api/v1/namespaces/shop'] = 403
  expect((await on('freeze', '-n', 'shop')).err).toMatch(/^error: you may not patch namespaces named shop/)
})

test('a leader that takes over grants nothing while it is frozen, says who, and goes on at once', async () => {
  const made = await madeStateServer([madePod('a'), madePod('b')])
  await on('freeze', '-n', 'shop', '--reason', 'why')
  made.service.namespaceChanged(namespace)
  await made.service.startLeading(7)
  for (const name of ['a', 'b']) await made.ask(name)
  await quiet()
  const frozen = (await made.read()).body as State
  expect(frozen.recent.grants.total).toBe(0)
  expect(frozen.waiting.items[0]).toMatchObject({
    cause: 'frozen',
    reason: 'start: frozen by startgate.dev/frozen: alice 2026-01-01T00:00:00Z: why on namespace shop',
    scope: 'namespace/shop',
  })
  await on('resume', '-n', 'shop')
  made.service.namespaceChanged(namespace)
  await quiet()
  await made.passes(2_000)
  expect(((await made.read()).body as State).recent.grants.total).toBe(1)
})
