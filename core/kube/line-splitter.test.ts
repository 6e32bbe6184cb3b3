import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineSplitter } from './line-splitter.ts'

test('lines come out whole however the bytes are cut, in the middle of a character too', () => {
  const line = fc.string({ unit: 'grapheme' }).map(text => JSON.stringify({ text }))
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, sizes) => {
      const bytes = Buffer.from(lines.map(text => `${text}\n`).join(''))
      const splitter = new LineSplitter()
      const got: string[] = []
      let at = 0
      for (let i = 0; at < bytes.length; i++) {
        const size = (sizes[i % Math.max(sizes.length, 1)] ?? 6) + 1
        got.push(...splitter.push(bytes.subarray(at, at + size)))
        at += size
      }
      expect(got).toEqual(lines)
    }),
  )
})

test('empty lines are left out and a line without an end waits', () => {
  const splitter = new LineSplitter()
  expect(splitter.push(Buffer.from('a\n\n \nb'))).toEqual(['a'])
  expect(splitter.push(Buffer.from('c\n'))).toEqual(['bc'])
})
