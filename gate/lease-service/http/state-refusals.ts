import { badToken, forbidden, type Refusal as HttpRefusal, refusal } from '../../../core/http-refusals.ts'
import type { AccessVerdict } from '../../../core/kube/access-review.ts'
import type { StateRefusal } from '../../../core/state-api.ts'

/** Why the state is not told: the answer's status and body. */
export type Refusal = HttpRefusal<StateRefusal>

export function badQuery(message: string): Refusal {
  return refusal(400, 'BAD_QUERY', message)
}

/** What a caller is told who may not read, of a namespace or of all; undefined for one who may. */
export function refusalOf(verdict: AccessVerdict, namespace: string | undefined): Refusal | undefined {
  if (verdict === 'allowed') return undefined
  if (verdict === 'unauthenticated') return badToken('one of its own that has not expired: kubectl create token')
  const remedy =
    namespace === undefined
      ? 'all namespaces; bind the ClusterRole startgate-viewer to it, or ask with namespace=NAME for one where it may'
      : `namespace ${namespace}; bind the ClusterRole startgate-viewer to it there, by a RoleBinding`
  return forbidden(`queues.startgate.dev in ${remedy}`)
}

export const FAULT = refusal(500, 'INTERNAL', 'the state cannot be read; the log of the lease service says why')

export const TOO_MANY_QUESTIONS = refusal(
  429,
  'TOO_MANY_QUESTIONS',
  'more was asked of late than may be told at a time; try again in some seconds',
)

export function tooManyWatchers(most: number): Refusal {
  return refusal(429, 'TOO_MANY_WATCHERS', `${most} watch already; close one of them, or ask without watch`)
}

/** Where another replica leads, or none does. */
export function notLeading(leader: StateRefusal['leader']): Refusal {
  if (!leader) return refusal(503, 'NO_LEADER', 'no replica leads at the moment; try again in some seconds')
  const { address, term } = leader
  const message = `this replica does not lead, the one at ${address} does; ask there`
  return { status: 421, body: { code: 'NOT_LEADER', message, leader: { address, term } } }
}
