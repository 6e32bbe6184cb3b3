import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CpuTimes, cpuShares, parseCpuTimes } from './cpu-times.ts'

/** As a machine with two CPUs tells, `ticks` of them all. */
const stat = (ticks: string, running = 3): string =>
  `cpu  ${ticks}\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu1 1 2 3 4 5 6 7 8 9 10\nintr 99 0 0 1\nctxt 7\nprocs_running ${running}\nprocs_blocked 0\n`

const texts: Record<string, { text: string; want: CpuTimes | undefined }> = {
  'guests are in user and nice already': {
    text: stat('100 20 30 400 50 6 7 8 90 9'),
    want: { cores: 2, total: 621, idle: 400, ioWait: 50, running: 3 },
  },
  'an old kernel has four columns': {
    text: 'cpu 1 2 3 4\n',
    want: { cores: 1, total: 10, idle: 4, ioWait: 0, running: 1 },
  },
  'an empty file': { text: '', want: undefined },
  'something else': { text: 'cpu  much\nprocs_running 1\n', want: undefined },
  'too few columns': { text: 'cpu  1 2 3\n', want: undefined },
}
test.each(Object.entries(texts))('%s', (_, { text, want }) => {
  expect(parseCpuTimes(text)).toEqual(want)
})

const times = (total: number, idle: number, ioWait: number): CpuTimes => ({
  ...{ cores: 2, running: 1 },
  ...{ total, idle, ioWait },
})
const shares = {
  'half of the time idle, a quarter waiting for a disk': {
    after: times(300, 150, 75),
    want: { busy: 0.25, ioWait: 0.25 },
  },
  'all of it at work': { after: times(300, 50, 25), want: { busy: 1, ioWait: 0 } },
  'iowait that went back': { after: times(300, 150, 10), want: { busy: 0.5, ioWait: 0 } },
  'no time': { after: times(100, 50, 25), want: undefined },
  'a CPU taken off': { after: times(60, 30, 20), want: undefined },
}
test.each(Object.entries(shares))('%s', (_, { after, want }) => {
  expect(cpuShares(times(100, 50, 25), after)).toEqual(want)
})

test('of whatever counters say, the parts are parts', () => {
  const any = fc.record({ total: fc.nat(), idle: fc.nat(), ioWait: fc.nat() })
  const of = (made: { total: number; idle: number; ioWait: number }) => times(made.total, made.idle, made.ioWait)
  fc.assert(
    fc.property(any, any, (a, b) => {
      for (const part of Object.values(cpuShares(of(a), of(b)) ?? {})) {
        expect(part).toBeGreaterThanOrEqual(0)
        expect(part).toBeLessThanOrEqual(1)
      }
    }),
  )
})

test('any text at all is times or nothing', () => {
  const lines = fc.array(fc.nat(), { maxLength: 12 }).map(ticks => `cpu  ${ticks.join(' ')}`)
  fc.assert(
    fc.property(fc.oneof(fc.string(), lines), text => {
      for (const value of Object.values(parseCpuTimes(text) ?? {})) expect(Number.isFinite(value)).toBe(true)
    }),
  )
})
