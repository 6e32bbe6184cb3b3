import type { Clock } from '../../core/clock.ts'
import { CodedError, InvalidValueError, instead } from '../../core/errors.ts'
import type { TokenVerdict } from '../../core/kube/token-review.ts'
import { createIdentityCache } from '../lease-service/http/identity-cache.ts'
import { claimsOf } from '../lease-service/http/token-claims.ts'
import { RefusedError } from '../lease-service/model/refusal.ts'
import type { Caller } from './hello.ts'
import type { VouchedGate } from './leader-links.ts'

/** This waiter will not wait for this gate, now or later. */
export class NotServedError extends CodedError {
  readonly code = 'NOT_SERVED'
}

export interface VouchDeps {
  nodeName: string
  review: (token: string) => Promise<TokenVerdict>
  clock: Clock
}

/**
 * Whose gate a caller is: by its token, which the API server has called good and bound to this pod. Tokens say where
 * their pod runs from Kubernetes 1.30 on; where they do not, the lease service alone looks at that, as it does in any
 * case. Throws NotServedError where another try cannot go well.
 */
export function createVouch({ nodeName, review, clock }: VouchDeps): (c: Caller, ip: string) => Promise<VouchedGate> {
  const identify = createIdentityCache({ review, isShown: () => true, clock })
  return async ({ token, podUid, gate }, fromIp) => {
    try {
      // What a token says of itself is enough for refusing it, and costs the API server nothing.
      const { podUid: claimed, nodeName: where = nodeName } = claimsOf(token)
      if (claimed !== podUid) throw notServed('podUid', podUid, 'is not the pod of this token', claimed)
      if (where !== nodeName)
        throw notServed(
          'node',
          where,
          'is where the pod of this token runs',
          `the waiter of that node, not ${nodeName}'s`,
        )
      const identity = await identify(token, fromIp)
      if (identity.podUid !== podUid) throw notServed('podUid', podUid, 'is not the pod of this token', identity.podUid)
      return { namespace: identity.namespace, podName: identity.podName, gate }
    } catch (error) {
      if (error instanceof RefusedError && error.status < 500)
        throw new NotServedError(`${error.code}: ${error.message}`)
      throw error
    }
  }
}

function notServed(field: string, value: string, problem: string, remedy: string): NotServedError {
  return new NotServedError(new InvalidValueError(field, value, instead(problem, remedy)).message)
}
