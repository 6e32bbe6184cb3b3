import fc from 'fast-check'
import { expect, test } from 'vitest'
import { figuresMs, figuresOf } from './figures-frame.ts'

const good = {
  ...{ cores: 4, busy: 0.5, ioWait: 0.1, runnable: 7 },
  pressure: { cpu: 86.84, io: 12, memory: 0 },
  stalled: { io: 25, memory: 0 },
}

const cases: Record<string, { sent: unknown; want: unknown }> = {
  'all of them': { sent: good, want: good },
  'fields of a newer version are left out': { sent: { ...good, load: 3 }, want: good },
  'without pressure stall information': {
    sent: { ...good, pressure: undefined, stalled: undefined },
    want: { ...good, pressure: {}, stalled: {} },
  },
  'what is out of range is brought into it': {
    sent: {
      ...{ cores: 0, busy: 7, ioWait: -1, runnable: 1e300 },
      pressure: { cpu: 101, io: -5, disk: 3 },
      stalled: { io: 1e9, cpu: 5 },
    },
    want: { cores: 1, busy: 1, ioWait: 0, runnable: 4_194_304, pressure: { cpu: 100, io: 0 }, stalled: { io: 100 } },
  },
  'a pressure that is none is left out': {
    sent: { ...good, pressure: { cpu: '90', io: null } },
    want: { ...good, pressure: {} },
  },
  'a number that is none': { sent: { ...good, busy: '1' }, want: undefined },
  'a number without end': { sent: { ...good, runnable: Number.POSITIVE_INFINITY }, want: undefined },
  'a number that is missing': { sent: { ...good, cores: undefined }, want: undefined },
  nothing: { sent: undefined, want: undefined },
}
test.each(Object.entries(cases))('%s', (_, { sent, want }) => {
  expect(figuresOf(sent)).toEqual(want)
})

test('whatever is sent, it is figures in their ranges or nothing', () => {
  fc.assert(
    fc.property(fc.anything(), fc.dictionary(fc.constantFrom(...Object.keys(good)), fc.anything()), (any, some) => {
      for (const sent of [any, { ...good, ...some }]) {
        const figures = figuresOf(sent)
        if (!figures) continue
        const { cores, busy, ioWait, runnable, pressure, stalled } = figures
        for (const part of [busy, ioWait]) expect(part >= 0 && part <= 1).toBe(true)
        for (const percent of [...Object.values(pressure), ...Object.values(stalled)])
          expect(percent >= 0 && percent <= 100).toBe(true)
        expect(cores >= 1 && cores <= 65_536 && runnable >= 0 && runnable <= 4_194_304).toBe(true)
      }
    }),
  )
})

test('however many nodes there are, a thousand figures a second come at most', () => {
  expect([1, 1_000, 1_001, 5_000].map(figuresMs)).toEqual([1_000, 1_000, 1_001, 5_000])
  fc.assert(fc.property(fc.nat(100_000), links => (links * 1_000) / figuresMs(links) <= 1_000))
})
