import { expect, test } from 'vitest'
import { limitConcurrency } from './concurrency.ts'

test('never more than the limit run at once, all run, a failed one gives its place back', async () => {
  const limit = limitConcurrency(3)
  let running = 0
  let peak = 0
  const turn = () => new Promise(resolve => setImmediate(resolve))
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, async (_, i) => {
      // Some come while others are at it, and some leave while others wait.
      for (let turns = 0; turns < i % 7; turns++) await turn()
      return limit(async () => {
        peak = Math.max(peak, ++running)
        for (let turns = 0; turns <= i % 3; turns++) await turn()
        running--
        if (i % 4 === 0) throw new Error('failed')
        return i
      })
    }),
  )
  expect(peak).toBe(3)
  expect(results.filter(result => result.status === 'fulfilled')).toHaveLength(15)
})
