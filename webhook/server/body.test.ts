import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseBody } from './body.ts'

const nested = (levels: number) => '{"a":['.repeat(levels / 2) + ']}'.repeat(levels / 2)

test('reads JSON as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      expect(parseBody(text)).toEqual(JSON.parse(text))
    }),
  )
})

test('brackets in strings are no levels', () => {
  const text = JSON.stringify({ a: '['.repeat(1_000), [`\\"${'{'.repeat(1_000)}`]: '\\' })
  expect(parseBody(text)).toEqual(JSON.parse(text))
})

test('a hundred levels are read, more are not', () => {
  expect(parseBody(nested(100))).toEqual(JSON.parse(nested(100)))
  expect(() => parseBody(nested(102))).toThrow('more than 100 levels deep')
  expect(() => parseBody('['.repeat(3_000_000))).toThrow(SyntaxError)
})

test.each(['', '"', '"\\', '{"a":', ']'])('refuses %j', text => {
  expect(() => parseBody(text)).toThrow(SyntaxError)
})
