import { expect, test } from 'vitest'
import { limitConcurrency } from './concurrency.ts'

test('never more than the limit run at once, all run, a failed one gives its place back', async () => {
  const limit = limitConcurrency(3)
  let running = 0
  let peak = 0
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) =>
      limit(async () => {
        peak = Math.max(peak, ++running)
        await new Promise(resolve => setImmediate(resolve))
        running--
        if (i % 4 === 0) throw new Error('failed')
        return i
      }),
    ),
  )
  expect(peak).toBe(3)
  expect(results.filter(result => result.status === 'fulfilled')).toHaveLength(15)
})
