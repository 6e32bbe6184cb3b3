import { messageOf } from '../../../core/errors.ts'

/** Why a ticket, or its pod's grant, could not be dealt with. */
export interface Trouble {
  podUid: string
  /** `error`: our own code failed on it; `refused`: the API server refuses its Lease, and would again. */
  kind: 'error' | 'refused'
  reason: string
}

/**
 * `unavailable`: the write failed for no fault of the ticket's. `changed`: somebody else wrote there, so the next try
 * may go well at once.
 */
export type SetAsideKind = Trouble['kind'] | 'unavailable' | 'changed'

const MAX_REASON_LENGTH = 300

/** What `error` is in one bounded line. */
export function reasonOfError(error: unknown): string {
  return messageOf(error).slice(0, MAX_REASON_LENGTH)
}
