import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RECONNECTS_PER_SECOND, ReconnectTimes } from './reconnect-times.ts'

const random = () => 0

test('a few come back after the least absence, many in the seconds after it', () => {
  const reconnectTimes = new ReconnectTimes()
  const after = Array.from({ length: 3 * RECONNECTS_PER_SECOND }, (_, i) =>
    reconnectTimes.afterMs(`gate-${i}`, 5_000, { nowMs: 0, random }),
  )
  const at = (ms: number) => after.filter(afterMs => afterMs === ms).length
  expect([at(5_000), at(6_000), at(7_000)]).toEqual(Array(3).fill(RECONNECTS_PER_SECOND))
})

test('who comes early and is told again takes no second place', () => {
  const reconnectTimes = new ReconnectTimes()
  for (let i = 0; i < 10 * RECONNECTS_PER_SECOND; i++) reconnectTimes.afterMs('impatient', 5_000, { nowMs: i, random })
  expect([reconnectTimes.size, reconnectTimes.afterMs('other', 5_000, { nowMs: 0, random })]).toEqual([1, 5_000])
})

test('nothing is kept of times that have passed', () => {
  const reconnectTimes = new ReconnectTimes()
  for (let nowMs = 0; nowMs < 1_000_000; nowMs += 250) reconnectTimes.afterMs(`gate-${nowMs}`, 5_000, { nowMs, random })
  expect(reconnectTimes.size).toBeLessThanOrEqual(4 * 7)
})

test('never more in a second than can be served, never earlier than asked', () => {
  const call = fc.record({ key: fc.nat(1_000), leastMs: fc.nat(3_000), stepMs: fc.nat(20), dice: fc.nat(999) })
  fc.assert(
    fc.property(fc.array(call, { minLength: 500, maxLength: 1_000 }), calls => {
      const reconnectTimes = new ReconnectTimes()
      const latest = new Map<number, number>()
      let nowMs = 5_000
      for (const { key, leastMs, stepMs, dice } of calls) {
        nowMs += stepMs
        const afterMs = reconnectTimes.afterMs(String(key), leastMs, { nowMs, random: () => dice / 1_000 })
        expect(afterMs).toBeGreaterThanOrEqual(leastMs)
        latest.set(key, Math.floor((nowMs + afterMs) / 1_000))
      }
      const counts = new Map<number, number>()
      for (const second of latest.values()) counts.set(second, (counts.get(second) ?? 0) + 1)
      for (const count of counts.values()) expect(count).toBeLessThanOrEqual(RECONNECTS_PER_SECOND)
    }),
    { numRuns: 50 },
  )
})
