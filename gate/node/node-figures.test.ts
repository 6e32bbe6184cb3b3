import fc from 'fast-check'
import { expect, test } from 'vitest'
import { figuresBetween, type NodeReading, readingOf } from './node-figures.ts'

const stat = (cpu: string, running: number): string =>
  `cpu  ${cpu}\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 99 0 0 1\nprocs_running ${running}\nprocs_blocked 0\n`
const psi = (some: string, fullUsec: number): string =>
  `some avg10=${some} avg60=0.00 avg300=0.00 total=9\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=${fullUsec}\n`
const NONE = { cpu: '', io: '', memory: '' }

function read(texts: Parameters<typeof readingOf>[0], atMs: number): NodeReading {
  const reading = readingOf(texts, atMs)
  if (!reading) throw new Error('no reading')
  return reading
}

test('two readings give what the node did between them', () => {
  const pressure = { cpu: psi('1.00', 0), io: psi('2.00', 1_000_000), memory: psi('3.00', 500_000) }
  const before = read({ stat: stat('100 0 100 800 0 0 0 0', 2), pressure }, 1_000)
  const after = read(
    {
      stat: stat('180 0 120 880 20 0 0 0', 9),
      pressure: { cpu: psi('86.84', 0), io: psi('12.00', 1_250_000), memory: psi('0.00', 500_000) },
    },
    2_000,
  )
  expect(figuresBetween(before, after)).toEqual({
    cores: 2,
    busy: 0.5,
    ioWait: 0.1,
    // Nine ran, one of them the reader.
    runnable: 8,
    pressure: { cpu: 86.84, io: 12, memory: 0 },
    stalled: { io: 25, memory: 0 },
  })
})

test('without pressure stall information, or with some of it, the rest is told', () => {
  const some = { ...NONE, io: psi('2.00', 1_000_000) }
  const without = read({ stat: stat('1 0 0 9', 1), pressure: NONE }, 0)
  const having = read({ stat: stat('2 0 0 18', 0), pressure: some }, 1_000)
  const figures = { cores: 2, busy: 0.1, ioWait: 0, runnable: 0 }
  expect(figuresBetween(without, having)).toEqual({ ...figures, pressure: { io: 2 }, stalled: {} })
  const later = read({ stat: stat('3 0 0 27', 0), pressure: NONE }, 2_000)
  expect(figuresBetween(having, later)).toEqual({ ...figures, pressure: {}, stalled: {} })
})

test('no CPUs, no reading; no time, no figures', () => {
  expect(readingOf({ stat: '', pressure: NONE }, 0)).toBeUndefined()
  const reading = read({ stat: stat('1 0 0 9', 1), pressure: NONE }, 0)
  expect(figuresBetween(reading, { ...reading, atMs: 1_000 })).toBeUndefined()
  expect(figuresBetween(reading, read({ stat: stat('2 0 0 18', 1), pressure: NONE }, 0))).toBeUndefined()
})

test('whatever the counters do, all is in its range', () => {
  const texts = fc
    .record({ ticks: fc.array(fc.nat(), { minLength: 4, maxLength: 10 }), running: fc.nat(), full: fc.nat() })
    .map(({ ticks, running, full }) => ({
      stat: stat(ticks.join(' '), running),
      pressure: { ...NONE, io: psi('99.99', full) },
    }))
  fc.assert(
    fc.property(texts, texts, fc.nat(), (first, second, ms) => {
      const figures = figuresBetween(read(first, 0), read(second, ms))
      if (!figures) return
      const { busy, ioWait, runnable, stalled } = figures
      for (const part of [busy, ioWait, (stalled.io ?? 0) / 100]) {
        expect(part).toBeGreaterThanOrEqual(0)
        expect(part).toBeLessThanOrEqual(1)
      }
      expect(runnable).toBeGreaterThanOrEqual(0)
    }),
  )
})
