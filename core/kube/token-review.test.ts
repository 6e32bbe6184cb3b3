import { describe, expect, test } from 'vitest'
import { readTokenReview, type TokenReviewStatus } from './token-review.ts'

const good: TokenReviewStatus = {
  authenticated: true,
  audiences: ['startgate.dev'],
  user: {
    username: 'system:serviceaccount:shop:web',
    extra: {
      'authentication.kubernetes.io/pod-name': ['web-1'],
      'authentication.kubernetes.io/pod-uid': ['u1'],
      'authentication.kubernetes.io/node-name': ['n1'],
    },
  },
}

test('a token bound to a pod names it', () => {
  expect(readTokenReview(good, 'startgate.dev')).toEqual({
    authenticated: true,
    audiences: ['startgate.dev'],
    username: 'system:serviceaccount:shop:web',
    namespace: 'shop',
    podName: 'web-1',
    podUid: 'u1',
    nodeName: 'n1',
  })
})

describe('not authenticated', () => {
  const cases: Record<string, TokenReviewStatus | undefined> = {
    'no status': undefined,
    'the server says no': { authenticated: false, error: 'expired' },
    'the server says nothing': {},
    'no audience looked at': { ...good, audiences: [] },
    'another audience': { ...good, audiences: ['vault'] },
    'an error beside the yes': { ...good, error: 'webhook authenticator failed' },
  }
  test.each(Object.entries(cases))('%s', (_, status) => {
    expect(readTokenReview(status, 'startgate.dev').authenticated).toBe(false)
  })
})

test('a user who is no service account has no namespace', () => {
  const verdict = readTokenReview({ ...good, user: { username: 'system:serviceaccount:shop:web:x' } }, 'startgate.dev')
  expect(verdict).toEqual({
    authenticated: true,
    audiences: ['startgate.dev'],
    username: 'system:serviceaccount:shop:web:x',
  })
})
