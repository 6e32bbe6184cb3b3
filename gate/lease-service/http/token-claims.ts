import { instead } from '../../../core/errors.ts'
import { fieldsOf } from '../../../core/is-object.ts'
import { TOKEN_AUDIENCE } from '../../../core/names.ts'
import { RefusedError } from '../model/refusal.ts'

/** What a service account's token says of itself. Nobody has verified it: good for refusing it, for nothing else. */
export interface TokenClaims {
  namespace: string
  podName: string
  podUid: string
  /** Where the pod runs; from Kubernetes 1.30 on. */
  nodeName?: string
  /** By the API server's clock. */
  expiresAtMs: number
}

/**
 * Reads a token without verifying it, so that the API server need not be asked about one it would refuse. Throws
 * RefusedError: 401 for one that is no token of a service account or is for another audience; 403 for one that is bound
 * to no pod (KEP-1205). Whether it has expired only the API server can tell: its clock counts, and ours may be hours
 * off.
 */
export function claimsOf(token: string): TokenClaims {
  const { aud, exp, 'kubernetes.io': bound } = payloadOf(token)
  if (typeof exp !== 'number') throw invalid('it has no exp claim')
  if (aud !== TOKEN_AUDIENCE && !(Array.isArray(aud) && aud.includes(TOKEN_AUDIENCE)))
    throw new RefusedError(
      401,
      'TOKEN_AUDIENCE',
      instead('this token is for another audience', `one for ${TOKEN_AUDIENCE}`),
    )
  const { namespace, pod, node } = fieldsOf(bound)
  const { name, uid } = fieldsOf(pod)
  const { name: nodeName } = fieldsOf(node)
  if (typeof namespace !== 'string' || typeof name !== 'string' || typeof uid !== 'string')
    throw new RefusedError(
      403,
      'TOKEN_UNBOUND',
      instead('this token is not bound to a pod', 'the one mounted into the gate'),
    )
  const where = typeof nodeName === 'string' ? { nodeName } : {}
  return { namespace, podName: name, podUid: uid, ...where, expiresAtMs: exp * 1_000 }
}

function payloadOf(token: string): Record<string, unknown> {
  const parts = token.split('.')
  if (parts.length !== 3) throw invalid('it is not a JSON Web Token')
  try {
    return fieldsOf(JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8')))
  } catch {
    throw invalid('it is not a JSON Web Token')
  }
}

function invalid(why: string): RefusedError {
  return new RefusedError(
    401,
    'TOKEN_INVALID',
    instead(`this token is not valid: ${why}`, 'the one mounted into the gate'),
  )
}
