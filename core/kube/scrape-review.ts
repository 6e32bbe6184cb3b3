import type { ApiTransport } from './transport.ts'

export type ScrapeVerdict = 'allowed' | 'unauthenticated' | 'forbidden'

interface TokenReview {
  status?: {
    authenticated?: boolean
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> }
  }
}

interface AccessReview {
  status?: { allowed?: boolean }
}

/**
 * Whether the owner of a token may `get` the nonResourceURL /metrics, as the API server says: a TokenReview and a
 * SubjectAccessReview, as controller-runtime asks. Throws KubeError when it cannot be asked.
 */
export async function reviewScrape(transport: ApiTransport, token: string): Promise<ScrapeVerdict> {
  const { status } = await create<TokenReview>(transport, 'authentication.k8s.io', 'TokenReview', { token })
  if (status?.authenticated !== true || !status.user?.username) return 'unauthenticated'
  const { username, uid, groups, extra } = status.user
  const nonResourceAttributes = { path: '/metrics', verb: 'get' }
  const spec = { user: username, uid, groups, extra, nonResourceAttributes }
  const review = await create<AccessReview>(transport, 'authorization.k8s.io', 'SubjectAccessReview', spec)
  return review.status?.allowed === true ? 'allowed' : 'forbidden'
}

function create<T>(transport: ApiTransport, group: string, kind: string, spec: object): Promise<T> {
  const path = `/apis/${group}/v1/${kind.toLowerCase()}s`
  return transport.request<T>({ method: 'POST', path, body: { apiVersion: `${group}/v1`, kind, spec } })
}
