import { createHash } from 'node:crypto'
import { ExpiringCache } from './expiring-cache.ts'
import { fairCalls } from './fair-calls.ts'
import type { Access } from './kube/access-review.ts'

const ALLOWED_FOR_MS = 60_000
const REFUSED_FOR_MS = 10_000
/** Verdicts remembered; readers are few, so more are strangers. */
const MOST_KEPT = 1_000
const REVIEWS = { running: 4, waiting: 64 }

/**
 * `address` is where the token comes from; `namespace` what of it is asked for, where only a part is. Rejects when the
 * API server cannot be asked, or is asked too much already.
 */
export type Authorize = (token: string, address: string, namespace?: string) => Promise<Access>

/**
 * Remembers verdicts by the hash of token and namespace for a short time, and lets few reviews run at a time, fair by
 * address.
 */
export function createReadAccess(
  review: (token: string, namespace?: string) => Promise<Access>,
  monotonicMs: () => number,
): Authorize {
  const kept = new ExpiringCache<Access>(MOST_KEPT, monotonicMs)
  const inTurn = fairCalls(REVIEWS)
  return async (token, address, namespace) => {
    // No token has a line end.
    const hash = createHash('sha256')
      .update(`${token}\n${namespace ?? ''}`)
      .digest('base64')
    const found = kept.get(hash)
    if (found) return found
    // It may have been reviewed while it waited.
    const access = await inTurn(address, async () => kept.get(hash) ?? (await review(token, namespace)))
    kept.set(hash, access, access.verdict === 'allowed' ? ALLOWED_FOR_MS : REFUSED_FOR_MS)
    return access
  }
}
