/** Finished starts under one limit, and under the one before. Times are monotonic ms. */
export interface Throughput {
  limit: number
  /** From when finishes count; undefined as long as those end that began under another limit. */
  sinceMs: number | undefined
  /** Finishes that are still another limit's. */
  foreign: number
  finished: number
  before: { limit: number; perSecond: number } | undefined
}

/** Fewer say nothing. */
const ENOUGH = 6
/** Starts that take longer for other reasons must not look like a fall. */
const FALL = 0.75

export function newThroughput(limit: number): Throughput {
  return { limit, sinceMs: undefined, foreign: limit, finished: 0, before: undefined }
}

/** Counts `finished` starts; what began under another limit does not count. */
export function countFinished(throughput: Throughput, finished: number, nowMs: number): Throughput {
  const { foreign, sinceMs } = throughput
  if (sinceMs !== undefined) return { ...throughput, finished: throughput.finished + finished }
  const left = Math.max(0, foreign - finished)
  return { ...throughput, foreign: left, sinceMs: left === 0 ? nowMs : undefined }
}

/** The limit is another one; what was seen under the last one is kept if it was enough to compare with. */
export function underLimit(throughput: Throughput, limit: number, nowMs: number): Throughput {
  const perSecond = perSecondOf(throughput, nowMs)
  const before = perSecond === undefined ? throughput.before : { limit: throughput.limit, perSecond }
  return { ...newThroughput(limit), foreign: throughput.limit, before }
}

/** Whether less is finished now than under the lower limit before, by enough of both. */
export function hasFallen(throughput: Throughput, nowMs: number): boolean {
  const perSecond = perSecondOf(throughput, nowMs)
  const { before, limit } = throughput
  return perSecond !== undefined && before !== undefined && before.limit < limit && perSecond < FALL * before.perSecond
}

function perSecondOf({ sinceMs, finished }: Throughput, nowMs: number): number | undefined {
  if (sinceMs === undefined || finished < ENOUGH || nowMs <= sinceMs) return undefined
  return (finished * 1_000) / (nowMs - sinceMs)
}
