/** Who a bearer token belongs to, as the API server says. */
export interface TokenVerdict {
  /** The token is good and meant for the audience asked for. */
  authenticated: boolean
  audiences: string[]
  username: string
  /** Of the service account in the token. */
  namespace?: string
  /** These three are in tokens bound to a pod only. */
  podName?: string
  podUid?: string
  nodeName?: string
  error?: string
}

export interface TokenReviewStatus {
  authenticated?: boolean
  audiences?: string[]
  error?: string
  user?: { username?: string; extra?: Record<string, string[]> }
}

/**
 * Reads the status of a TokenReview. No audience in it means that the authenticator did not look at audiences, so the
 * token is not ours (k8s.io/api/authentication/v1, TokenReviewStatus.audiences).
 */
export function readTokenReview(status: TokenReviewStatus | undefined, audience: string): TokenVerdict {
  const audiences = status?.audiences ?? []
  const username = status?.user?.username ?? ''
  const extra = (key: string) => status?.user?.extra?.[`authentication.kubernetes.io/${key}`]?.[0]
  const fields = {
    namespace: /^system:serviceaccount:([^:]+):[^:]+$/.exec(username)?.[1],
    podName: extra('pod-name'),
    podUid: extra('pod-uid'),
    nodeName: extra('node-name'),
    error: status?.error || (status?.authenticated && !audiences.includes(audience) ? 'wrong audience' : undefined),
  }
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  return { authenticated: status?.authenticated === true && !fields.error, audiences, username, ...given }
}
