import { expect, test } from 'vitest'
import { fieldsOf, isObject } from './is-object.ts'

test('an object is one with fields, of whatever prototype', () => {
  expect([{}, { a: 1 }, Object.create(null), new Date(0)].map(isObject)).toEqual([true, true, true, true])
})

test.each([null, undefined, [], [{}], 'text', 1, true, () => ({})])('%j is no object and has no fields', value => {
  expect([isObject(value), fieldsOf(value)]).toEqual([false, {}])
})

test('the fields of an object are the object itself', () => {
  const value = { a: 1 }
  expect(fieldsOf(value)).toBe(value)
})
