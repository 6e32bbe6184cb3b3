import { messageOf } from '../../../core/errors.ts'
import type { LeaderElector } from '../../../core/kube/leader-elector.ts'
import type { Logger } from '../../../core/log.ts'
import type { Replica } from './replica.ts'

export interface KeepLeadingDeps {
  service: () => Pick<Replica, 'isLeading' | 'startLeading'>
  elector: () => Pick<LeaderElector, 'isLeader' | 'term'>
  log: Logger
}

/**
 * Sees to it that who is elected serves, whatever became of earlier starts: what is returned is to be called when this
 * replica is elected, and about once a second. Never rejects.
 */
export function keepLeading({ service, elector, log }: KeepLeadingDeps): () => Promise<void> {
  let isStarting = false
  return async () => {
    if (isStarting || service().isLeading || !elector().isLeader()) return
    isStarting = true
    await service()
      .startLeading(elector().term())
      .catch(error => {
        log.warn({ error: messageOf(error) }, 'cannot read or rewrite the stored grants yet; granting nothing before')
      })
    isStarting = false
  }
}
