import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createJsonLines } from './json-lines.ts'

test('values come out whole however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ reason: fc.string({ unit: 'grapheme' }) })),
      fc.integer({ min: 1, max: 7 }),
      (values, size) => {
        const bytes = Buffer.from(values.map(value => `${JSON.stringify(value)}\n`).join(''))
        const lines = createJsonLines()
        const read: unknown[] = []
        for (let at = 0; at < bytes.length; at += size) read.push(...lines(bytes.subarray(at, at + size)))
        expect(read).toEqual(values)
      },
    ),
  )
})

test('a line that is no JSON is an error', () => {
  expect(() => createJsonLines()(Buffer.from('<html>\n'))).toThrow(SyntaxError)
})

test('an endless line is an error, not a full memory', () => {
  expect(() => createJsonLines()(Buffer.alloc(70_000, 'x'))).toThrow(RangeError)
})
