import { STATE_RESOURCE } from '../state-api.ts'
import type { ApiTransport } from './transport.ts'

export type AccessVerdict = 'allowed' | 'unauthenticated' | 'forbidden'

/** What the owner of a token may do, and who that is. */
export interface Access {
  verdict: AccessVerdict
  /** As the API server calls the owner; empty for a token that it does not take. */
  username: string
}

interface TokenReview {
  status?: {
    authenticated?: boolean
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> }
  }
}

interface AccessReview {
  status?: { allowed?: boolean }
}

/** What somebody may do, as the spec of a SubjectAccessReview names it. */
type Attributes =
  | { nonResourceAttributes: { path: string; verb: string } }
  | { resourceAttributes: { namespace?: string; group: string; resource: string; verb: string } }

/** Whether the owner of a token may `get` the nonResourceURL /metrics. Throws KubeError when it cannot be asked. */
export function reviewScrape(transport: ApiTransport, token: string): Promise<Access> {
  return review(transport, token, { nonResourceAttributes: { path: '/metrics', verb: 'get' } })
}

/**
 * Whether the owner of a token may read the state of a namespace, or without one of all. Throws KubeError when it
 * cannot be asked.
 */
export function reviewStateReader(transport: ApiTransport, token: string, namespace?: string): Promise<Access> {
  return review(transport, token, { resourceAttributes: { ...STATE_RESOURCE, ...(namespace && { namespace }) } })
}

/** As the API server says: a TokenReview and a SubjectAccessReview, as controller-runtime asks. */
async function review(transport: ApiTransport, token: string, attributes: Attributes): Promise<Access> {
  const { status } = await create<TokenReview>(transport, 'authentication.k8s.io', 'TokenReview', { token })
  if (status?.authenticated !== true || !status.user?.username) return { verdict: 'unauthenticated', username: '' }
  const { username, uid, groups, extra } = status.user
  const spec = { user: username, uid, groups, extra, ...attributes }
  const answer = await create<AccessReview>(transport, 'authorization.k8s.io', 'SubjectAccessReview', spec)
  return { verdict: answer.status?.allowed === true ? 'allowed' : 'forbidden', username }
}

function create<T>(transport: ApiTransport, group: string, kind: string, spec: object): Promise<T> {
  const path = `/apis/${group}/v1/${kind.toLowerCase()}s`
  return transport.request<T>({ method: 'POST', path, body: { apiVersion: `${group}/v1`, kind, spec } })
}
