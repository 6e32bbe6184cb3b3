import { expect, test } from 'vitest'
import type { TokenVerdict } from '../../../core/kube/token-review.ts'
import { GOOD_VERDICT } from '../testing/made-token.ts'
import { bearerOf, identityOf } from './token-identity.ts'

test('a good token names its pod', () => {
  expect(identityOf(GOOD_VERDICT)).toEqual({ namespace: 'shop', podName: 'web-1', podUid: 'uid-1' })
})

const cases: Record<string, { verdict: TokenVerdict; want: { status: number; code: string } }> = {
  forged: {
    verdict: { authenticated: false, audiences: [], username: '', error: 'invalid bearer token' },
    want: { status: 401, code: 'TOKEN_INVALID' },
  },
  'for another audience': {
    verdict: { ...GOOD_VERDICT, audiences: ['https://kubernetes.default.svc'] },
    want: { status: 401, code: 'TOKEN_AUDIENCE' },
  },
  'of a service account, bound to no pod': {
    verdict: { authenticated: true, audiences: ['startgate.dev'], username: 'system:serviceaccount:shop:default' },
    want: { status: 403, code: 'TOKEN_UNBOUND' },
  },
  'of a person': { verdict: { ...GOOD_VERDICT, username: 'admin' }, want: { status: 403, code: 'TOKEN_UNBOUND' } },
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
