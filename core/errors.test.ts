import { expect, test } from 'vitest'
import { cut, cutNames, InvalidValueError, instead, notValid, shownValue } from './errors.ts'

test('a message about bad input names the field, quotes the value and says what to write instead', () => {
  expect(new InvalidValueError('startgate.dev/start-timeout', '5 minutes', notValid('duration', '90s', '2m')).message)
    .toBe('startgate.dev/start-timeout: "5 minutes" is not a valid duration; use 90s or 2m') // biome-ignore format: one sentence
  expect(new InvalidValueError('podUid', undefined, instead('is missing', "the pod's metadata.uid")).message).toBe(
    "podUid is missing; use the pod's metadata.uid",
  )
})

test('choices are joined in their order', () => {
  expect(notValid('mode', 'enforce', 'observe', 'off')).toBe('is not a valid mode; use enforce, observe or off')
})

test.each([
  ['a string', 'x', 'x'],
  ['a number', 0, '0'],
  ['null', null, 'null'],
  ['an absent value', undefined, undefined],
  ['a list', [1], '[…]'],
  ['an object', { a: 1 }, '{…}'],
])('%s is shown in a message', (_, value, want) => {
  expect(shownValue(value)).toBe(want)
})

test('a value nested too deeply for JSON.stringify is shown all the same', () => {
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
  expect(shownValue(deep)).toBe('[…]')
})

test('a long value is shown cut, so that a sentence about it stays one', () => {
  const { message, value } = new InvalidValueError('startgate.dev/mode', 'x'.repeat(1_000_000), notValid('mode', 'off'))
  expect(message).toBe(`startgate.dev/mode: "${'x'.repeat(99)}…" is not a valid mode; use off`)
  expect(value).toHaveLength(100)
})

test('a field that somebody made up is shown cut too', () => {
  expect(new InvalidValueError('f'.repeat(1_000), 'v', notValid('field', 'x')).message.length).toBeLessThan(150)
})

test('what fits is shown as it is', () => {
  expect(cut('x'.repeat(100))).toBe('x'.repeat(100))
  expect(cutNames(['a', 'b'])).toBe('a, b')
})

test('of many names ten are shown, and how many more there are', () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `c${index}`)
  expect(cutNames(names)).toBe('c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 9990 more')
})
