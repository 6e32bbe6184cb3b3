import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RefusedError } from '../model/refusal.ts'
import { madeToken } from '../testing/made-token.ts'
import { claimsOf } from './token-claims.ts'

const EXP = 1_700_000_000

test.each([
  ['a list of audiences', {}],
  ['one audience', { aud: 'startgate.dev' }],
  ['an expiry that is past by our clock, which may be off', { exp: 1 }],
])('with %s a token names its pod', (_, over) => {
  const claims = claimsOf(madeToken(over))
  expect(claims).toMatchObject({ namespace: 'shop', podName: 'web-1', podUid: 'uid-1' })
})

const part = (text: string) => Buffer.from(text).toString('base64url')
test.each([
  ['without an expiry', `x.${part('{"aud":["startgate.dev"]}')}.x`, 401, 'TOKEN_INVALID'],
  ['for another audience', madeToken({ aud: ['https://kubernetes.default.svc'] }), 401, 'TOKEN_AUDIENCE'],
  ['with an audience that is none', madeToken({ aud: { startgate: 1 } }), 401, 'TOKEN_AUDIENCE'],
  ['bound to no pod', `x.${part(`{"aud":"startgate.dev","exp":${EXP}}`)}.x`, 403, 'TOKEN_UNBOUND'],
  ['of another kind', 'opaque', 401, 'TOKEN_INVALID'],
  ['whose payload is null', `x.${part('null')}.x`, 401, 'TOKEN_INVALID'],
])('a token %s is refused', (_, token, status, code) => {
  expect(() => claimsOf(token)).toThrow(expect.objectContaining({ status, code }))
})

test('whatever the payload is, the token is read or refused', () => {
  const anyPayload = fc.anything({ withBigInt: false }).map(value => `x.${part(JSON.stringify(value) ?? '')}.x`)
  fc.assert(
    fc.property(fc.oneof(anyPayload, fc.string()), token => {
      try {
        claimsOf(token)
      } catch (error) {
        expect(error).toBeInstanceOf(RefusedError)
      }
    }),
  )
})
