import { instead } from '../../../core/errors.ts'
import { bearerIn, NO_TOKEN } from '../../../core/http-refusals.ts'
import type { TokenVerdict } from '../../../core/kube/token-review.ts'
import { TOKEN_AUDIENCE } from '../../../core/names.ts'
import { type PodIdentity, RefusedError } from '../model/refusal.ts'

/**
 * The pod behind a reviewed token. Throws RefusedError: 401 for a token the API server does not take for this audience,
 * 403 for a good token that is bound to no pod (KEP-1205: bound tokens carry pod name and UID).
 */
export function identityOf(verdict: TokenVerdict): PodIdentity {
  if (!verdict.authenticated)
    throw new RefusedError(
      401,
      'TOKEN_INVALID',
      instead(
        `the API server refuses this token (${verdict.error ?? 'not authenticated'})`,
        'the one mounted into the gate',
      ),
    )
  if (!verdict.audiences.includes(TOKEN_AUDIENCE)) {
    throw new RefusedError(
      401,
      'TOKEN_AUDIENCE',
      instead(`this token is for ${verdict.audiences.join(', ') || 'no audience'}`, `one for ${TOKEN_AUDIENCE}`),
    )
  }
  const [, , namespace] = /^system:serviceaccount:/.test(verdict.username ?? '')
    ? (verdict.username ?? '').split(':')
    : []
  if (!namespace || !verdict.podName || !verdict.podUid) {
    throw new RefusedError(
      403,
      'TOKEN_UNBOUND',
      instead('this token is not bound to a pod', 'the one mounted into the gate'),
    )
  }
  return { namespace, podName: verdict.podName, podUid: verdict.podUid }
}

/** The token of an `Authorization: Bearer …` header; throws RefusedError 401 without one. */
export function bearerOf(header: string | undefined): string {
  const token = bearerIn(header)
  if (!token) throw new RefusedError(401, NO_TOKEN.body.code, NO_TOKEN.body.message)
  return token
}
