import { type Interval, type Peak, peakOf, peaksBy } from './interval-peak.ts'

/** One pull of one image by one node, as the registry's access log tells it. */
export interface Pull extends Interval {
  /** The image's repository; also its `name`. */
  image: string
  node: string
}

export interface PullReport {
  peak: Peak
  byNode: Record<string, Peak>
  pulls: Pull[]
}

/**
 * How many images were being pulled at once, in all and by each node. A pull is the time from its first to the end of
 * its last request.
 */
export function foldPulls(pulls: Pull[]): PullReport {
  return {
    peak: peakOf(pulls),
    byNode: peaksBy(pulls, p => p.node),
    pulls: pulls.toSorted((a, b) => a.fromMs - b.fromMs),
  }
}
