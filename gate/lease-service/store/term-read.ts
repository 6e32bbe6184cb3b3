import { messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'

export interface TermReadDeps {
  /** By a quorum read: is the election Lease still ours, in this term? */
  confirmTerm: () => Promise<boolean>
  log: Logger
}

/** What a quorum read of the election Lease says; `unknown` when it has no answer. Never rejects. */
export async function readTerm({ confirmTerm, log }: TermReadDeps): Promise<'ours' | 'lost' | 'unknown'> {
  try {
    return (await confirmTerm()) ? 'ours' : 'lost'
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'cannot read the election Lease; nothing is answered')
    return 'unknown'
  }
}
