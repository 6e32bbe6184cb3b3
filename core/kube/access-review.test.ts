import { expect, test } from 'vitest'
import { reviewScrape, reviewStateReader } from './access-review.ts'
import type { ApiRequest, ApiTransport } from './transport.ts'

const user = { username: 'system:serviceaccount:monitoring:prometheus', uid: 'u', groups: ['g'], extra: { k: ['v'] } }

/** An API server that knows one token, and allows or not. */
function apiServer(allowed: boolean | undefined): { transport: ApiTransport; asked: ApiRequest[] } {
  const asked: ApiRequest[] = []
  const transport = {
    request: async (request: ApiRequest) => {
      asked.push(request)
      const { spec } = request.body as { spec: { token?: string } }
      if (request.path.endsWith('/tokenreviews'))
        return { status: spec.token === 'good' ? { authenticated: true, user } : {} }
      return { status: { allowed } }
    },
  } as unknown as ApiTransport
  return { transport, asked }
}

test.each([
  ['who may read /metrics', true, 'allowed'],
  ['who may not', false, 'forbidden'],
  ['whom the API server says nothing about', undefined, 'forbidden'],
])('%s is %s: %s', async (_, allowed, want) => {
  const { transport, asked } = apiServer(allowed)
  expect(await reviewScrape(transport, 'good')).toEqual({ verdict: want, username: user.username })
  expect(asked[1]).toMatchObject({
    path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    body: {
      spec: {
        user: user.username,
        uid: 'u',
        groups: ['g'],
        extra: { k: ['v'] },
        nonResourceAttributes: { path: '/metrics', verb: 'get' },
      },
    },
  })
})

test('of a token that is not good nothing more is asked', async () => {
  const { transport, asked } = apiServer(true)
  expect(await reviewScrape(transport, 'made-up')).toEqual({ verdict: 'unauthenticated', username: '' })
  expect(asked.map(({ path }) => path)).toEqual(['/apis/authentication.k8s.io/v1/tokenreviews'])
})

test.each([
  [undefined, {}],
  ['shop', { namespace: 'shop' }],
])('who reads the state of %s is asked about by that', async (namespace, of) => {
  const { transport, asked } = apiServer(true)
  expect(await reviewStateReader(transport, 'good', namespace)).toMatchObject({ verdict: 'allowed' })
  expect(asked[1]?.body).toEqual({
    ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' },
    spec: {
      ...{ user: user.username, uid: 'u', groups: ['g'], extra: { k: ['v'] } },
      resourceAttributes: { group: 'startgate.dev', resource: 'queues', verb: 'get', ...of },
    },
  })
})
