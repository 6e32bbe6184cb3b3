import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseMaxPressure, parsePressure } from './pressure.ts'

const cases: Record<string, { text: string; want: number | undefined }> = {
  'the share of time in which some task waited': {
    text: 'some avg10=86.84 avg60=15.40 avg300=15.51 total=2791103560\nfull avg10=3.00 avg60=0.00 avg300=0.00 total=0\n',
    want: 86.84,
  },
  'a file with the second line first': {
    text: 'full avg10=3.00 avg60=0.00 avg300=0.00 total=0\nsome avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
    want: 0,
  },
  'more than all the time is all of it': { text: 'some avg10=100.01 avg60=0.00 avg300=0.00 total=0\n', want: 100 },
  'an empty file': { text: '', want: undefined },
  'something else': { text: 'some avg10=much avg60=0.00\n', want: undefined },
}
test.each(Object.entries(cases))('%s', (_, { text, want }) => {
  expect(parsePressure(text)).toBe(want)
})

test('any text at all is a percentage or nothing', () => {
  const percentages = fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `some avg10=${a}.${b} avg60=0.00`)
  fc.assert(
    fc.property(fc.oneof(fc.string(), percentages), text => {
      const percent = parsePressure(text)
      if (percent !== undefined) expect(percent >= 0 && percent <= 100).toBe(true)
    }),
  )
})

const maxima: Record<string, { text: string; want: object | undefined }> = {
  'of one resource': { text: 'cpu: 80', want: { cpu: 80 } },
  'of all, in any order and with decimals': {
    text: ' memory:0.5,cpu: 100 , io: 50',
    want: { memory: 0.5, cpu: 100, io: 50 },
  },
  'of nothing': { text: '', want: undefined },
  'of 0, which would never let a node out': { text: 'cpu: 0', want: undefined },
  'of more than all the time': { text: 'cpu: 100.5', want: undefined },
  'without a resource': { text: '80', want: undefined },
  'of a resource that the kernel tells nothing of': { text: 'cpu: 80, disk: 5', want: undefined },
  'of a resource twice': { text: 'cpu: 80, cpu: 70', want: undefined },
  'with a comma at the end': { text: 'cpu: 80,', want: undefined },
}
test.each(Object.entries(maxima))('a maximum %s', (_, { text, want }) => {
  const parse = () => parseMaxPressure('max-pressure', text)
  if (want) expect(parse()).toEqual(want)
  else expect(parse).toThrow(/^max-pressure: ".*" is not a valid maximum; use "cpu: 80" or "cpu: 80, io: 50" \(.*\)$/)
})
