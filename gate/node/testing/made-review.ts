import type { TokenVerdict } from '../../../core/kube/token-review.ts'
import { claimsOf } from '../../lease-service/http/token-claims.ts'
import { madeToken } from '../../lease-service/testing/made-token.ts'

/** For tests: what the API server says of a token of `madeToken`. One signed by `forger` is none of its own. */
export function madeReview(token: string): TokenVerdict {
  if (token.endsWith('.forger')) return { authenticated: false, audiences: [], username: '', error: 'bad signature' }
  const { namespace, podName, podUid, nodeName } = claimsOf(token)
  const account = podName.startsWith('waiter') ? 'startgate-node-waiter' : 'default'
  const username = `system:serviceaccount:${namespace}:${account}`
  const node = nodeName === undefined ? {} : { nodeName }
  return { authenticated: true, audiences: ['startgate.dev'], username, podName, podUid, ...node }
}

/** Of the waiter on a node. */
export function waiterToken(nodeName: string): string {
  const podName = `waiter-${nodeName}`
  return madeToken({ namespace: 'startgate-system', podName, podUid: `uid-of-${podName}`, nodeName })
}
