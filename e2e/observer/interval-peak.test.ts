import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Interval, peakOf } from './interval-peak.ts'
import { foldPulls } from './pull-fold.ts'
import { foldStamps } from './stamp-fold.ts'

const span = (name: string, fromMs: number, toMs: number): Interval => ({ name, fromMs, toMs })

const cases: Record<string, { intervals: Interval[]; want: number; wantNames: string[] }> = {
  'nothing has no peak': { intervals: [], want: 0, wantNames: [] },
  'what ends when another begins does not overlap': {
    intervals: [span('a', 0, 5), span('b', 5, 9)],
    want: 1,
    wantNames: ['a'],
  },
  'one ms of overlap counts': { intervals: [span('a', 0, 6), span('b', 5, 9)], want: 2, wantNames: ['a', 'b'] },
  'an empty interval was never there': { intervals: [span('a', 3, 3)], want: 0, wantNames: [] },
  'the first of equal peaks is told': {
    intervals: [span('d', 20, 30), span('c', 20, 30), span('b', 0, 9), span('a', 0, 9)],
    want: 2,
    wantNames: ['a', 'b'],
  },
}

describe('peakOf', () => {
  test.each(Object.entries(cases))('%s', (_, { intervals, want, wantNames }) => {
    expect(peakOf(intervals)).toMatchObject({ count: want, names: wantNames })
  })

  test('is what counting at every moment gives', () => {
    const interval = fc.tuple(fc.nat(30), fc.nat(10)).map(([from, length]) => span('x', from, from + length))
    fc.assert(
      fc.property(fc.array(interval), intervals => {
        const counts = Array.from({ length: 41 }, (_, t) => intervals.filter(i => i.fromMs <= t && t < i.toMs).length)
        expect(peakOf(intervals).count).toBe(Math.max(...counts))
      }),
    )
  })
})

describe('foldPulls', () => {
  test('counts in all and for each node', () => {
    const pull = (image: string, node: string, fromMs: number, toMs: number) => ({
      ...span(image, fromMs, toMs),
      image,
      node,
    })
    const report = foldPulls([pull('a', 'n1', 0, 9), pull('b', 'n2', 1, 9), pull('c', 'n2', 9, 12)])
    expect(report.peak).toMatchObject({ count: 2, names: ['a', 'b'] })
    expect(report.byNode.n2?.count).toBe(1)
  })
})

describe('foldStamps', () => {
  const stampCases: Record<string, { logs: string[]; want: number; wantSilent?: string[] }> = {
    'two that overlap': { logs: ['start 10\nready 20\n', 'start 15\nready 30\n'], want: 2 },
    'two after one another': { logs: ['start 10\nready 20\n', 'start 20\nready 30\n'], want: 1 },
    'one without an end lasts': { logs: ['start 10\n', 'start 90\nready 95\n'], want: 2 },
    'a second start in one log is a start of its own': {
      logs: ['start 10\nstart 20\nready 30', 'start 15\nready 16'],
      want: 2,
    },
    'noise is no stamp': { logs: ['restart 10\nstart 12 x\n'], want: 0, wantSilent: ['p0'] },
  }
  test.each(Object.entries(stampCases))('%s', (_, { logs, want, wantSilent = [] }) => {
    const report = foldStamps(
      logs.map((log, i) => ({ name: `p${i}`, log })),
      100,
    )
    expect(report.peak.count).toBe(want)
    expect(report.silent).toEqual(wantSilent)
  })
})
