import type { TokenVerdict } from '../../../core/kube/token-review.ts'
import { TOKEN_AUDIENCE } from '../../../core/names.ts'

/** For tests: what the API server says of a good token of pod shop/web-1. */
export const GOOD_VERDICT: TokenVerdict = {
  authenticated: true,
  audiences: ['startgate.dev'],
  username: 'system:serviceaccount:shop:default',
  podName: 'web-1',
  podUid: 'uid-1',
}

export interface MadeToken {
  namespace?: string
  podName?: string
  podUid?: string
  nodeName?: string
  exp?: number
  aud?: unknown
  signature?: string
}

/** For tests and benches: a token with the claims of a pod's, which nobody has signed. */
export function madeToken({
  namespace = 'shop',
  podName = 'web-1',
  podUid = 'uid-1',
  nodeName,
  exp = 4_102_444_800,
  aud = [TOKEN_AUDIENCE],
  signature = 'nobody',
}: MadeToken = {}): string {
  const pod = { name: podName, uid: podUid }
  const node = nodeName === undefined ? {} : { node: { name: nodeName } }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part({ aud, exp, 'kubernetes.io': { namespace, pod, ...node } })}.${signature}`
}
