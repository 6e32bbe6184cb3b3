import { createHash } from 'node:crypto'
import { ExpiringCache } from './expiring-cache.ts'
import { fairCalls } from './fair-calls.ts'
import type { ScrapeVerdict } from './kube/scrape-review.ts'

const ALLOWED_FOR_MS = 60_000
const REFUSED_FOR_MS = 10_000
/** Verdicts remembered; scrapers are few, so more are strangers. */
const MOST_KEPT = 1_000
const REVIEWS = { running: 4, waiting: 64 }

/**
 * `address` is where the token comes from. Rejects when the API server cannot be asked, or is asked too much already.
 */
export type Authorize = (token: string, address: string) => Promise<ScrapeVerdict>

/** Remembers verdicts by the token's hash for a short time, and lets few reviews run at a time, fair by address. */
export function createScrapeAccess(
  review: (token: string) => Promise<ScrapeVerdict>,
  monotonicMs: () => number,
): Authorize {
  const kept = new ExpiringCache<ScrapeVerdict>(MOST_KEPT, monotonicMs)
  const inTurn = fairCalls(REVIEWS)
  return async (token, address) => {
    const hash = createHash('sha256').update(token).digest('base64')
    const found = kept.get(hash)
    if (found) return found
    // It may have been reviewed while it waited.
    const verdict = await inTurn(address, async () => kept.get(hash) ?? (await review(token)))
    kept.set(hash, verdict, verdict === 'allowed' ? ALLOWED_FOR_MS : REFUSED_FOR_MS)
    return verdict
  }
}
