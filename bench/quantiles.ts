export interface Quantiles {
  p50: number
  p99: number
}

/** Median and 99th percentile of some measurements, in their unit, each as `quantile` has it. */
export function quantiles(values: readonly number[]): Quantiles {
  const sorted = sortedOf(values)
  return { p50: rankedIn(sorted, 0.5), p99: rankedIn(sorted, 0.99) }
}

/**
 * The value that a part (0 to 1) of all are not above, by the nearest rank: 0 is the least, 0.5 of 16 the eighth, 1 the
 * greatest. NaN of nothing.
 */
export function quantile(values: readonly number[], part: number): number {
  return rankedIn(sortedOf(values), part)
}

function rankedIn(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}

/** The middle of all, or the mean of the two in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = sortedOf(values)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[sorted.length / 2 - 1] ?? Number.NaN)) / 2
}

function sortedOf(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b)
}
