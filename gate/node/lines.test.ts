import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_DOWN_LINE } from '../../core/waiter-api.ts'
import { beatLine, directLine, logLine, verdictLine } from './down-lines.ts'
import { firstLine } from './first-line.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 20_000 })

test('whatever a reason is, a line is printable and fits the pipe, and its JSON is whole', () => {
  fc.assert(
    fc.property(anyText, reason => {
      const fields = { gate: 'startgate-start', podUid: 'u'.repeat(64), attempt: 100_000, reason, place: 1e9, of: 1e9 }
      const log = logLine(Date.now(), fields, 'waiting')
      const open = verdictLine({ verdict: 'failed-open', gate: 'startgate-start', attempt: 1, waitedMs: 1e12, reason })
      for (const line of [log, open, directLine(reason)]) {
        expect(line).toMatch(/^[ -~]+$/)
        expect(line.length).toBeLessThan(MAX_DOWN_LINE)
      }
      expect(JSON.parse(log.slice(4)).msg).toBe('waiting')
      expect(JSON.parse(open.slice(5)).verdict).toBe('failed-open')
      expect(directLine(reason)).not.toMatch(/["\\]/)
    }),
  )
})

test('a beat tells whole seconds, and nothing where a gate never fails open', () => {
  expect([beatLine(59_001), beatLine(-5), beatLine(Number.POSITIVE_INFINITY)]).toEqual(['beat 60', 'beat 0', 'beat'])
})

test('the first line comes out whole, however it is cut', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 200 }).map(line => line.replaceAll(/\s/g, '.'))
  fc.assert(
    fc.property(text, fc.array(fc.nat(50)), (line, cuts) => {
      const read = firstLine(8_192)
      let bytes = Buffer.from(`${line}\n`)
      const heard: (string | undefined)[] = []
      for (const cut of cuts) {
        if (cut >= bytes.length) continue
        heard.push(read(bytes.subarray(0, cut)))
        bytes = bytes.subarray(cut)
      }
      expect(heard.every(part => part === undefined)).toBe(true)
      expect(read(bytes)).toBe(line)
    }),
  )
})

test('one that is too long or is not the only one is refused', () => {
  expect(() => firstLine(10)(Buffer.from('12345678901'))).toThrow('the first line is longer than 10 bytes')
  const read = firstLine(10)
  read(Buffer.from('123456'))
  expect(() => read(Buffer.from('789012\n'))).toThrow('longer')
  expect(() => firstLine(10)(Buffer.from('1\n2'))).toThrow('more than one line')
})
