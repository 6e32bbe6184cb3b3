import { type Bucket, tokensNow } from '../../../core/token-bucket.ts'

/** Frames of one waiter: a node's gates all come at once, then a few a second. */
const PER_SECOND = 500
const BURST = 4_096

/**
 * A token bucket: takes one frame and returns how long to wait before the next is read, 0 for not at all. Times are
 * monotonic ms.
 */
export function frameRate(perSecond = PER_SECOND, burst = BURST): (nowMs: number) => number {
  let bucket: Bucket | undefined
  return nowMs => {
    const tokens = tokensNow(bucket, { perSecond, burst }, nowMs) - 1
    bucket = { tokens, atMs: nowMs }
    return tokens >= 0 ? 0 : Math.ceil((-tokens * 1_000) / perSecond)
  }
}
