import { cut, instead } from '../../../core/errors.ts'
import type { AccessVerdict } from '../../../core/kube/access-review.ts'
import { STATE_PATH, type StateRefusal } from '../../../core/state-api.ts'

/** Why the state is not told: the answer's status and body. */
export interface Refusal {
  status: 400 | 401 | 403 | 404 | 421 | 429 | 500 | 503
  body: StateRefusal
}

function refusal(status: Refusal['status'], code: string, message: string): Refusal {
  return { status, body: { code, message } }
}

export function notFound(method: string, url: string): Refusal {
  const problem = `there is no ${cut(method)} ${JSON.stringify(cut(url))} here`
  return refusal(404, 'NOT_FOUND', instead(problem, `GET ${STATE_PATH}`))
}

export function badQuery(message: string): Refusal {
  return refusal(400, 'BAD_QUERY', message)
}

export function noToken(message: string): Refusal {
  return refusal(401, 'TOKEN_MISSING', message)
}

/** What a caller is told who may not read, of a namespace or of all; undefined for one who may. */
export function refusalOf(verdict: AccessVerdict, namespace: string | undefined): Refusal | undefined {
  if (verdict === 'allowed') return undefined
  if (verdict === 'unauthenticated')
    return refusal(
      401,
      'TOKEN_INVALID',
      instead('the API server refuses this token', 'one of its own that has not expired: kubectl create token'),
    )
  const right = "this token's user may not get queues.startgate.dev in"
  const remedy =
    namespace === undefined
      ? 'all namespaces; bind the ClusterRole startgate-viewer to it, or ask with namespace=NAME for one where it may'
      : `namespace ${namespace}; bind the ClusterRole startgate-viewer to it there, by a RoleBinding`
  return refusal(403, 'FORBIDDEN', `${right} ${remedy}`)
}

export const NOT_REVIEWED = refusal(
  503,
  'NOT_REVIEWED',
  'the API server could not be asked about this token; try again',
)

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
