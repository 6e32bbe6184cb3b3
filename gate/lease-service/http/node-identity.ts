import { instead } from '../../../core/errors.ts'
import { fairCalls } from '../../../core/fair-calls.ts'
import type { TokenVerdict } from '../../../core/kube/token-review.ts'
import type { Pod } from '../../../core/pod.ts'
import { type NodeIdentity, type PodIdentity, RefusedError } from '../model/refusal.ts'
import { refuseWhenFull } from './review-refusal.ts'
import { claimsOf } from './token-claims.ts'
import { identityOf } from './token-identity.ts'

/** Of waiters: all nodes come at once when the leader changes. */
const REVIEWS = { running: 16, waiting: 10_000 }

export interface NodeIdentityDeps {
  review: (token: string) => Promise<TokenVerdict>
  /** undefined when there is no such pod. */
  getPod: (namespace: string, name: string) => Promise<Pod | undefined>
  /** startgate's own. */
  namespace: string
  /** Of the waiters' service account. */
  account: string
}

/**
 * Whose waiter a token belongs to: the waiters' own account, bound to a pod, whose node the API server says. Throws
 * RefusedError. What the token says of itself is looked at first, so that others' tokens cost no review.
 */
export function createNodeIdentity(deps: NodeIdentityDeps): (token: string, address: string) => Promise<NodeIdentity> {
  const inTurn = fairCalls(REVIEWS)
  return async (token, address) => {
    requireAccount(claimsOf(token).namespace === deps.namespace, deps)
    const verdict = await inTurn(address, () => deps.review(token)).catch(refuseWhenFull)
    const identity = identityOf(verdict)
    requireAccount(verdict.username === `system:serviceaccount:${deps.namespace}:${deps.account}`, deps)
    return { nodeName: verdict.nodeName ?? (await nodeOfPod(identity, deps)) }
  }
}

function requireAccount(isIts: boolean, { namespace, account }: NodeIdentityDeps): void {
  if (isIts) return
  const remedy = instead("this token is no waiter's", `one of service account ${namespace}/${account}`)
  throw new RefusedError(403, 'NO_WAITER', remedy)
}

/** Before Kubernetes 1.30 no review names the node. */
async function nodeOfPod({ namespace, podName, podUid }: PodIdentity, { getPod }: NodeIdentityDeps): Promise<string> {
  const pod = await getPod(namespace, podName)
  if (pod?.metadata.uid === podUid && pod.spec.nodeName) return pod.spec.nodeName
  throw new RefusedError(403, 'NO_WAITER', `pod ${namespace}/${podName} with UID ${podUid} is on no node`)
}
