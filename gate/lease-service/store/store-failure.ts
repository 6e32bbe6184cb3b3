import { KubeError } from '../../../core/kube/kube-error.ts'
import { reasonOfError } from '../model/trouble.ts'
import { StaleTermError } from './lease-store.ts'

/**
 * Why a Lease could not be written. `refused`: the API server will not have this object, so it is this grant's own
 * trouble. `changed`: somebody else wrote or deleted it; the next try reads first. `unavailable`: nothing can be stored
 * now, whatever it is.
 */
export interface StoreFailure {
  kind: 'refused' | 'changed' | 'unavailable'
  reason: string
}

/**
 * Of the 4xx, those that say nothing of the object: who we are, what we may, a quota or webhook, how much there is to
 * do.
 */
const OF_ALL = new Set([401, 403, 408, 429])

export function storeFailureOf(error: unknown): StoreFailure {
  return { kind: kindOf(error), reason: reasonOfError(error) }
}

function kindOf(error: unknown): StoreFailure['kind'] {
  if (error instanceof StaleTermError) return 'changed'
  if (!(error instanceof KubeError)) return 'unavailable'
  const { status } = error
  if (status === 404 || status === 409) return 'changed'
  return status >= 400 && status < 500 && !OF_ALL.has(status) ? 'refused' : 'unavailable'
}
