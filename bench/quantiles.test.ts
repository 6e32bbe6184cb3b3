import { expect, test } from 'vitest'
import { median, quantile, quantiles } from './quantiles.ts'

test('a quantile is one of the values, by the nearest rank', () => {
  const values = Array.from({ length: 16 }, (_, i) => 16 - i)
  expect([0, 0.5, 0.95, 1].map(part => quantile(values, part))).toEqual([1, 8, 16, 16])
  expect(quantile([], 0.5)).toBeNaN()
  expect(quantiles(values)).toEqual({ p50: 8, p99: 16 })
})

test('a median is the middle, or the mean of both', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
  expect(median([])).toBeNaN()
})
