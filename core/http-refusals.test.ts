import { expect, test } from 'vitest'
import { bearerIn, notFound } from './http-refusals.ts'

test.each([
  'abcdef.0123456789abcdef',
  'eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOltdfQ.c2lnbmF0dXJl_-',
  'sha256~a',
  'YWJj+/==',
  'token-x2b7q:s3cr3t',
])('the header of the token %s carries it, however bearer is written', token => {
  expect([bearerIn(`Bearer ${token}`), bearerIn(`bearer ${token}`)]).toEqual([token, token])
})

test.each([
  undefined,
  '',
  'Basic x',
  'Bearer ',
  'Bearer a b',
  'Bearer a\n',
  'Bearer é',
  `Bearer ${'x'.repeat(20_000)}`,
])('the header %j carries no token', header => {
  expect(bearerIn(header)).toBeUndefined()
})

test('a path that does not exist is quoted, cut, with those that do', () => {
  expect(notFound('GET', '/x', 'GET /metrics').body.message).toBe('there is no GET "/x" here; use GET /metrics')
  expect(notFound('GET', `/${'x'.repeat(9_000)}`, 'GET /metrics').body.message.length).toBeLessThan(200)
})
