import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRate } from '../../../core/quantity.ts'
import type { Scope } from '../limits/scope.ts'
import { scopeRef } from '../limits/scope-ref.ts'
import { windowOf } from '../limits/scopes.ts'
import { Rates } from './rates.ts'

const scope = (limit: number, windowMs: number): Scope => ({
  ...scopeRef({ kind: 'namespace-rate', namespace: 'x' }),
  ...{ limit, windowMs, subject: '', source: '' },
})
const LONG_AGO = Number.NEGATIVE_INFINITY
const someRate = fc.record({
  count: fc.integer({ min: 1, max: 5_000 }),
  periodMs: fc.constantFrom(1_000, 60_000, 3_600_000),
})

describe('a rate as a window', () => {
  test.each([
    ['10/s', { limit: 10, windowMs: 1_000 }],
    ['6/min', { limit: 1, windowMs: 10_000 }],
    ['20/min', { limit: 1, windowMs: 3_000 }],
    ['90/min', { limit: 1, windowMs: 667 }],
    ['131/min', { limit: 2, windowMs: 924 }],
    ['3607/h', { limit: 1, windowMs: 999 }],
    ['1/h', { limit: 1, windowMs: 3_600_000 }],
    ['999983/h', { limit: 277, windowMs: 998 }],
  ])('%s', (text, want) => {
    expect(windowOf(parseRate('f', text))).toEqual(want)
  })

  test('a period of windows is never worth more than the rate, and hardly less', () => {
    fc.assert(
      fc.property(someRate, rate => {
        const { limit, windowMs } = windowOf(rate)
        const inPeriod = Math.ceil(rate.periodMs / windowMs) * limit
        expect(inPeriod).toBeLessThanOrEqual(rate.count)
        // In a window of some seconds or a fraction of one, a millisecond or a slot at its end is little.
        expect(inPeriod).toBeGreaterThan(rate.count * 0.96 - 1)
      }),
    )
  })
})

test('slots count for one window', () => {
  const rates = new Rates(LONG_AGO)
  rates.take(scope(2, 1_000), 2, 0)
  expect([0, 999, 1_000].map(ms => rates.inUse(scope(2, 1_000), ms))).toEqual([2, 2, 0])
  expect(rates.changesAtMs(scope(2, 1_000))).toBe(1_000)
})

test('what is given out at one time shares a window, and what is left of it lapses', () => {
  const rates = new Rates(LONG_AGO)
  rates.take(scope(3, 1_000), 1, 0)
  expect(rates.inUse(scope(3, 1_000), 0)).toBe(1)
  rates.take(scope(3, 1_000), 1, 0)
  expect([0, 1, 999, 1_000].map(ms => rates.inUse(scope(3, 1_000), ms))).toEqual([2, 3, 3, 0])
})

test('more slots than the limit take as many windows as they are worth', () => {
  const rates = new Rates(LONG_AGO)
  rates.take(scope(2, 1_000), 5, 0)
  expect([999, 2_999, 3_000].map(ms => rates.inUse(scope(2, 1_000), ms))).toEqual([2, 2, 0])
})

test('a rate that was changed is in force at once', () => {
  const rates = new Rates(LONG_AGO)
  rates.take(scope(1, 3_600_000), 1, 0)
  expect(rates.inUse(scope(1, 3_600_000), 2_000)).toBe(1)
  expect(rates.inUse(scope(10, 1_000), 2_000)).toBe(0)
})

test('a process that has just begun to lead waits for one window: a second for 3607/h', () => {
  const { limit, windowMs } = windowOf(parseRate('f', '3607/h'))
  const rates = new Rates(5_000)
  expect([5_000, 5_998, 5_999].map(ms => rates.inUse(scope(limit, windowMs), ms))).toEqual([1, 1, 0])
  expect(rates.changesAtMs(scope(limit, windowMs))).toBe(5_999)
})

test('no time as long as the period ever holds more than the rate, and whoever waits gets what is written', () => {
  const asks = fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 1, max: 3 })), { maxLength: 60 })
  fc.assert(
    fc.property(asks, fc.integer({ min: 3, max: 12 }), (gaps, count) => {
      const rates = new Rates(LONG_AGO)
      const at = scope(windowOf({ count, periodMs: 1_000 }).limit, windowOf({ count, periodMs: 1_000 }).windowMs)
      const given: number[] = []
      let nowMs = 0
      for (const [gapMs, slots] of gaps) {
        nowMs += gapMs
        if (rates.inUse(at, nowMs) + slots > at.limit) {
          expect(rates.changesAtMs(at)).toBeLessThanOrEqual((given.at(-1) ?? 0) + 1_000)
          continue
        }
        rates.take(at, slots, nowMs)
        for (let i = 0; i < slots; i++) given.push(nowMs)
      }
      for (const ms of given) expect(given.filter(o => o >= ms && o < ms + 1_000).length).toBeLessThanOrEqual(count)
    }),
  )
})
