/** What is left in a bucket at a monotonic time. */
export interface Bucket {
  tokens: number
  atMs: number
}

/** So many tokens come back in a second, and no more than `burst` are there at once. */
export interface BucketRate {
  perSecond: number
  burst: number
}

/** What a bucket has now, parts of a token included; one that nobody has taken of is full. */
export function tokensNow(bucket: Bucket | undefined, { perSecond, burst }: BucketRate, nowMs: number): number {
  return bucket ? Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perSecond) / 1_000) : burst
}
