import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvalidValueError } from '../../../core/errors.ts'
import { MAX_QUERY_LENGTH, stateQuery } from './query.ts'

const token = (text: string) => Buffer.from(text).toString('base64url')

test.each([
  ['', { limit: 500, watch: false }],
  ['watch', { limit: 500, watch: true }],
  ['watch=true&limit=1000', { limit: 1_000, watch: true }],
  ['watch=0', { limit: 500, watch: false }],
  ['namespace=shop&pod=web-0.a', { namespace: 'shop', pod: 'web-0.a', limit: 500, watch: false }],
  ['scope=registry%2Flocalhost:5000', { scope: 'registry/localhost:5000', limit: 500, watch: false }],
  [`continue=${token('500 start.u-1.1')}`, { after: { offset: 500, id: 'start.u-1.1' }, limit: 500, watch: false }],
])('%j is read', (text, want) => {
  expect(stateQuery(text)).toEqual(want)
})

test.each([
  ['namespace=Shop', 'namespace: "Shop" is not a valid name of a namespace; use shop'],
  ['namespace=', 'namespace: "" is not a valid name of a namespace; use shop'],
  ['pod=web', 'pod: "web" has no namespace; use namespace=NAMESPACE&pod=POD'],
  ['limit=0', 'limit: "0" is not a valid limit; use a whole number from 1 to 1000'],
  ['limit=1e3', 'limit: "1e3" is not a valid limit; use a whole number from 1 to 1000'],
  ['limit=1&limit=2', 'limit: "2" is there twice; use one of them'],
  ['continue=zz', 'continue: "zz" is of no answer; use waiting.continue of the one before'],
  ['name=x', 'query: "name" is not a valid parameter; use namespace, pod, scope, limit, continue or watch'],
  ['watch=yes', 'watch: "yes" is not a valid value; use watch, watch=true or watch=false'],
  [`watch&continue=${token('1 a')}`, 'watch: "true" cannot continue an answer; use watch without continue'],
  ['scope=%00', 'scope: "\\u0000" is not a valid scope; use cluster, node/NAME or namespace/NAME'],
])('%j is refused', (text, message) => {
  expect(() => stateQuery(text)).toThrow(message)
})

test('whatever is sent is read or refused with a sentence', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc
      .array(fc.tuple(fc.constantFrom('namespace', 'pod', 'scope', 'limit', 'continue', 'watch'), fc.string()))
      .map(pairs => pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')),
  )
  fc.assert(
    fc.property(texts, text => {
      try {
        const { limit } = stateQuery(text)
        expect(limit).toBeGreaterThan(0)
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidValueError)
      }
    }),
  )
  expect(() => stateQuery('&'.repeat(MAX_QUERY_LENGTH + 1))).toThrow('is too long; use at most 2048 characters')
})
