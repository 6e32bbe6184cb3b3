import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { printable } from './paint.ts'
import { structured } from './structured.ts'

test('words of others stay on their line, and move no cursor', () => {
  expect(printable('full\n✓ all is well\r\nx\u2028y\u0085z')).toBe('full ✓ all is well x y z')
  expect(printable('\u001b[2J\u009b2J\ta\rb\u202ec')).toBe('?[2J?2J?a?b?c')
})

test.each(['json', 'yaml'] as const)('%s has no control characters, and is read as what was written', format => {
  const value = { reason: 'a\u009b2J\u007f\u0085b\u001b[2J', '\u009d0;x': ['\u0080'] }
  const text = structured(value, format)
  expect(text).toMatch(/^[\n\u0020-\u007e]+$/)
  expect(parse(text)).toEqual(value)
})
