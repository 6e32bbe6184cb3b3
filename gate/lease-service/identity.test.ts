import { expect, test } from 'vitest'
import type { TokenVerdict } from '../../core/kube/token-review.ts'
import { bearerOf, createIdentityCache, identityOf } from './identity.ts'

const good: TokenVerdict = {
  authenticated: true,
  audiences: ['startgate.dev'],
  username: 'system:serviceaccount:shop:default',
  podName: 'web-1',
  podUid: 'uid-1',
}

test('a good token names its pod', () => {
  expect(identityOf(good)).toEqual({ namespace: 'shop', podName: 'web-1', podUid: 'uid-1' })
})

const cases: Record<string, { verdict: TokenVerdict; want: { status: number; code: string } }> = {
  forged: {
    verdict: { authenticated: false, audiences: [], username: '', error: 'invalid bearer token' },
    want: { status: 401, code: 'TOKEN_INVALID' },
  },
  'for another audience': {
    verdict: { ...good, audiences: ['https://kubernetes.default.svc'] },
    want: { status: 401, code: 'TOKEN_AUDIENCE' },
  },
  'of a service account, bound to no pod': {
    verdict: { authenticated: true, audiences: ['startgate.dev'], username: 'system:serviceaccount:shop:default' },
    want: { status: 403, code: 'TOKEN_UNBOUND' },
  },
  'of a person': { verdict: { ...good, username: 'admin' }, want: { status: 403, code: 'TOKEN_UNBOUND' } },
}
test.each(Object.entries(cases))('a token %s is refused', (_, { verdict, want }) => {
  expect(() => identityOf(verdict)).toThrow(expect.objectContaining(want))
})

test.each([undefined, '', 'Basic x', 'Bearer ', `Bearer ${'x'.repeat(20_000)}`])(
  'the header %j carries no token',
  header => {
    expect(() => bearerOf(header)).toThrow(expect.objectContaining({ code: 'TOKEN_MISSING' }))
  },
)

test('a token that comes again while it is reviewed waits for that review, also for its failure', async () => {
  const reviews: PromiseWithResolvers<TokenVerdict>[] = []
  const identify = createIdentityCache(
    () => {
      const review = Promise.withResolvers<TokenVerdict>()
      reviews.push(review)
      return review.promise
    },
    () => 0,
  )
  const failing = [identify('good'), identify('good')]
  reviews[0]?.reject(new Error('the API server does not answer'))
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const succeeding = [identify('good'), identify('good')]
  reviews[1]?.resolve(good)
  expect(await Promise.all(succeeding)).toEqual(Array(2).fill(identityOf(good)))
  expect(reviews).toHaveLength(2)
})

test('a good token is reviewed once a minute, a bad one each time', async () => {
  let reviews = 0
  let nowMs = 0
  const identify = createIdentityCache(
    async token => {
      reviews++
      return token === 'good' ? good : { authenticated: false, audiences: [], username: '' }
    },
    () => nowMs,
  )
  await identify('good')
  await identify('good')
  expect(reviews).toBe(1)
  nowMs = 60_001
  await identify('good')
  expect(reviews).toBe(2)
  await expect(identify('bad')).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
  await expect(identify('bad')).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
  expect(reviews).toBe(4)
})
