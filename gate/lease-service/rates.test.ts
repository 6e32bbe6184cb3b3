import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRate } from '../../core/quantity.ts'
import { type Scope, windowOf } from './limits.ts'
import { Rates } from './rates.ts'

const scope = (limit: number, windowMs: number): Scope => ({ id: 'rate/x', limit, windowMs, subject: '', source: '' })
const LONG_AGO = Number.NEGATIVE_INFINITY

describe('a rate as a window', () => {
  test.each([
    ['10/s', { limit: 10, windowMs: 1_000 }],
    ['6/min', { limit: 1, windowMs: 10_000 }],
    ['90/min', { limit: 2, windowMs: 60_000 / 45 }],
    ['67/min', { limit: 67, windowMs: 60_000 }],
    ['1/h', { limit: 1, windowMs: 3_600_000 }],
    ['999983/h', { limit: 999_983, windowMs: 3_600_000 }],
  ])('%s', (text, want) => {
    expect(windowOf(parseRate('f', text))).toEqual(want)
  })

  test('a whole number of windows makes the period, so the rate is kept exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.constantFrom(1_000, 60_000, 3_600_000), (count, periodMs) => {
        const { limit, windowMs } = windowOf({ count, periodMs })
        expect(count % limit).toBe(0)
        const shorter = Array.from({ length: limit - 1 }, (_, i) => i + 1).filter(n => count % n === 0)
        expect(shorter.filter(n => (n * periodMs) / count >= 1_000)).toEqual([])
        expect(windowMs).toBeGreaterThanOrEqual(999.999)
      }),
    )
  })
})

test('slots count for one window', () => {
  const rates = new Rates(LONG_AGO)
  rates.take(scope(2, 1_000), 2, 0)
  expect([0, 999, 1_000].map(ms => rates.inUse(scope(2, 1_000), ms))).toEqual([2, 2, 0])
  expect(rates.changesAtMs(scope(2, 1_000), 500)).toBe(Number.POSITIVE_INFINITY)
})

test('more slots than the limit count for as many windows as they are worth', () => {
  const rates = new Rates(LONG_AGO)
  rates.take(scope(2, 1_000), 5, 0)
  expect([999, 1_000, 2_000, 3_000].map(ms => rates.inUse(scope(2, 1_000), ms))).toEqual([5, 3, 1, 0])
})

test('a process that has just begun to lead counts the first window as used up', () => {
  const rates = new Rates(5_000)
  expect([5_000, 5_999, 6_000].map(ms => rates.inUse(scope(3, 1_000), ms))).toEqual([3, 3, 0])
  expect(rates.changesAtMs(scope(3, 1_000), 5_500)).toBe(6_000)
})

test('no window of the length of a period ever holds more than the rate', () => {
  const asks = fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 1, max: 3 })), { maxLength: 60 })
  fc.assert(
    fc.property(asks, fc.integer({ min: 3, max: 12 }), (gaps, count) => {
      const rates = new Rates(LONG_AGO)
      const at = scope(windowOf({ count, periodMs: 1_000 }).limit, windowOf({ count, periodMs: 1_000 }).windowMs)
      const given: number[] = []
      let nowMs = 0
      for (const [gapMs, slots] of gaps) {
        nowMs += gapMs
        if (rates.inUse(at, nowMs) + slots > at.limit) continue
        rates.take(at, slots, nowMs)
        for (let i = 0; i < slots; i++) given.push(nowMs)
      }
      for (const ms of given) expect(given.filter(o => o >= ms && o < ms + 1_000).length).toBeLessThanOrEqual(count)
    }),
  )
})
