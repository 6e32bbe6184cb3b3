import { createHash } from 'node:crypto'
import type { Clock } from '../../../core/clock.ts'
import { ExpiringCache } from '../../../core/expiring-cache.ts'
import { fairCalls } from '../../../core/fair-calls.ts'
import type { TokenVerdict } from '../../../core/kube/token-review.ts'
import type { PodIdentity } from '../model/refusal.ts'
import { refuseWhenFull } from './review-refusal.ts'
import { claimsOf, type TokenClaims } from './token-claims.ts'
import { identityOf } from './token-identity.ts'

/** Bounded by the token's own expiry. Longer than the longest absence that gates are usually told. */
const GOOD_FOR_MS = 300_000
/** Where our clock calls a good token expired, so that it is good for a time that nobody knows. */
const CLOCK_IS_OFF_MS = 60_000
/** One costs half a KiB. More than gates that come and go at a time, or each would push the next one's entry out. */
export const MAX_KEPT = 50_000
/** Reviews of tokens whose pod the watch shows. */
const KNOWN = { running: 16, waiting: 2_048 }
/**
 * Reviews of other tokens: a pod may be newer than what the watch shows, but made-up UIDs must not delay known pods.
 */
const UNKNOWN = { running: 4, waiting: 256 }

export interface IdentityCacheDeps {
  review: (token: string) => Promise<TokenVerdict>
  /** Whether the watch shows the pod that a token says it is of. */
  isShown: (claims: TokenClaims) => boolean
  clock: Clock
}

/** Who a token belongs to; `address` is where it comes from. Throws RefusedError. */
export type Identify = (token: string, address: string) => Promise<PodIdentity>

/**
 * Remembers good verdicts by the token's hash: ten thousand gates that reconnect must not cost ten thousand reviews.
 * A token that comes again while it is being reviewed waits for that review: with an API server that hangs they would
 * pile up. What cannot be good costs no review; the others wait in a bounded queue in which addresses take turns.
 */
export function createIdentityCache({ review, isShown, clock }: IdentityCacheDeps): Identify {
  const kept = new ExpiringCache<PodIdentity>(MAX_KEPT, () => clock.monotonicMs())
  const pending = new Map<string, Promise<PodIdentity>>()
  const lanes = { known: fairCalls(KNOWN), unknown: fairCalls(UNKNOWN) }
  const reviewed = async (token: string, address: string, hash: string): Promise<PodIdentity> => {
    const claims = claimsOf(token)
    const inTurn = isShown(claims) ? lanes.known : lanes.unknown
    const identity = identityOf(await inTurn(address, () => review(token)).catch(refuseWhenFull))
    kept.set(hash, identity, goodForMs(claims.expiresAtMs - clock.wallMs()))
    return identity
  }
  return async (token, address) => {
    const hash = createHash('sha256').update(token).digest('base64')
    const found = kept.get(hash)
    if (found) return found
    const review = pending.get(hash) ?? reviewed(token, address, hash).finally(() => pending.delete(hash))
    pending.set(hash, review)
    return review
  }
}

/**
 * How long a verdict is kept for a token that the API server has just called good, and that by our clock is good for so
 * long.
 */
function goodForMs(leftMs: number): number {
  return leftMs > 0 ? Math.min(GOOD_FOR_MS, leftMs) : CLOCK_IS_OFF_MS
}
