import { createHash } from 'node:crypto'
import { CodedError } from '../../core/errors.ts'
import type { TokenVerdict } from '../../core/kube/token-review.ts'
import { TOKEN_AUDIENCE } from '../../core/names.ts'

/** The pod that a token belongs to; nothing else a gate says about itself is believed. */
export interface PodIdentity {
  namespace: string
  podName: string
  podUid: string
}

/** The caller is not who it says, or nobody we serve. `status` is the HTTP answer. */
export class RefusedError extends CodedError {
  readonly code: string
  readonly status: 400 | 401 | 403 | 404 | 429 | 503
  constructor(status: RefusedError['status'], code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/**
 * The pod behind a reviewed token. Throws RefusedError: 401 for a token the API server does not take for this audience,
 * 403 for a good token that is bound to no pod (KEP-1205: bound tokens carry pod name and UID).
 */
export function identityOf(verdict: TokenVerdict): PodIdentity {
  if (!verdict.authenticated)
    throw new RefusedError(
      401,
      'TOKEN_INVALID',
      `the API server refuses this token: ${verdict.error ?? 'not authenticated'}`,
    )
  if (!verdict.audiences.includes(TOKEN_AUDIENCE)) {
    throw new RefusedError(
      401,
      'TOKEN_AUDIENCE',
      `this token is for ${verdict.audiences.join(', ') || 'no audience'}: use one for ${TOKEN_AUDIENCE}`,
    )
  }
  const [, , namespace] = /^system:serviceaccount:/.test(verdict.username ?? '')
    ? (verdict.username ?? '').split(':')
    : []
  if (!namespace || !verdict.podName || !verdict.podUid) {
    throw new RefusedError(403, 'TOKEN_UNBOUND', 'this token is not bound to a pod: use the one mounted into the gate')
  }
  return { namespace, podName: verdict.podName, podUid: verdict.podUid }
}

/** The token of an `Authorization: Bearer …` header; throws RefusedError 401 without one. */
export function bearerOf(header: string | undefined): string {
  const token = /^Bearer ([\w.~+/=-]{1,16384})$/i.exec(header ?? '')?.[1]
  if (!token) throw new RefusedError(401, 'TOKEN_MISSING', 'no bearer token in the authorization header')
  return token
}

const GOOD_FOR_MS = 60_000
const MAX_KEPT = 20_000

/**
 * Remembers good verdicts for a minute, by the token's hash: ten thousand gates that reconnect must not cost ten thousand reviews.
 * A token that comes again while it is being reviewed waits for that review: with an API server that hangs they would pile up.
 */
export function createIdentityCache(
  review: (token: string) => Promise<TokenVerdict>,
  monotonicMs: () => number,
): (token: string) => Promise<PodIdentity> {
  const kept = new Map<string, { identity: PodIdentity; untilMs: number }>()
  const pending = new Map<string, Promise<PodIdentity>>()
  const reviewed = async (token: string, hash: string): Promise<PodIdentity> => {
    const identity = identityOf(await review(token))
    // A Map keeps insertion order: the oldest go first.
    kept.delete(hash)
    kept.set(hash, { identity, untilMs: monotonicMs() + GOOD_FOR_MS })
    const oldest = kept.keys().next()
    if (kept.size > MAX_KEPT && !oldest.done) kept.delete(oldest.value)
    return identity
  }
  return async token => {
    const hash = createHash('sha256').update(token).digest('base64')
    const found = kept.get(hash)
    if (found && found.untilMs > monotonicMs()) return found.identity
    const review = pending.get(hash) ?? reviewed(token, hash).finally(() => pending.delete(hash))
    pending.set(hash, review)
    return review
  }
}
