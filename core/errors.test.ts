import { expect, test } from 'vitest'
import { cut, cutNames, InvalidValueError } from './errors.ts'

test('a long value is shown cut, so that a sentence about it stays one', () => {
  const { message, value } = new InvalidValueError('startgate.dev/mode', 'x'.repeat(1_000_000), 'is no mode')
  expect(message).toBe(`startgate.dev/mode: "${'x'.repeat(99)}…" is no mode`)
  expect(value).toHaveLength(100)
})

test('a field that somebody made up is shown cut too', () => {
  expect(new InvalidValueError('f'.repeat(1_000), 'v', 'is not known').message.length).toBeLessThan(150)
})

test('what fits is shown as it is', () => {
  expect(cut('x'.repeat(100))).toBe('x'.repeat(100))
  expect(cutNames(['a', 'b'])).toBe('a, b')
})

test('of many names ten are shown, and how many more there are', () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `c${index}`)
  expect(cutNames(names)).toBe('c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 9990 more')
})
