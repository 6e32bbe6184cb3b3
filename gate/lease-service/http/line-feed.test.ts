import fc from 'fast-check'
import { expect, test } from 'vitest'
import { frameRate } from './frame-rate.ts'
import { lineFeed } from './line-feed.ts'

test('lines come out as they went in, however they are cut', () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map(text => text.replaceAll('\n', ''))
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.integer({ min: 1, max: 40 })), (lines, cuts) => {
      const feed = lineFeed(4_096)
      let bytes = Buffer.from(lines.map(text => `${text}\n`).join(''))
      const heard: string[] = []
      for (const cut of [...cuts, bytes.length]) {
        heard.push(...feed(bytes.subarray(0, cut)))
        bytes = bytes.subarray(cut)
      }
      heard.push(...feed(bytes))
      expect(heard).toEqual(lines)
    }),
  )
})

test.each([
  ['whole', [`${'x'.repeat(10)}\n`]],
  ['in pieces', ['xxxxx', 'xxxxx']],
])('a line that is too long is refused, %s', (_, chunks) => {
  const feed = lineFeed(10)
  expect(() => chunks.map(chunk => [...feed(Buffer.from(chunk))])).toThrow('a line is longer than 10 bytes')
})

test('in no period are more frames read than the burst and what the period is worth', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 500 }), gaps => {
      const rate = frameRate(100, 20)
      let nowMs = 0
      const times: number[] = []
      for (const gapMs of gaps) {
        nowMs += gapMs
        times.push(nowMs)
        nowMs += rate(nowMs)
      }
      times.forEach((from, i) => {
        const last = times.length - 1
        expect(last - i + 1).toBeLessThanOrEqual(20 + Math.ceil(((times[last] ?? 0) - from) / 10) + 1)
      })
    }),
  )
})
