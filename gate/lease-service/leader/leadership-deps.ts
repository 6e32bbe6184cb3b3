import type { Clock } from '../../../core/clock.ts'
import type { Logger } from '../../../core/log.ts'
import type { Pod } from '../../../core/pod.ts'
import type { Timers } from '../../../core/timers.ts'
import type { ConditionWriter } from '../report/condition-writer.ts'
import type { Reporter } from '../report/event-reporter.ts'
import type { ServiceMetrics } from '../report/metrics.ts'
import type { WriteCondition } from '../report/waiting-conditions.ts'
import type { AutoStore } from '../store/auto-store.ts'
import type { GrantWriter, GrantWriterDeps } from '../store/grant-writer.ts'
import type { LeaseStore } from '../store/lease-store.ts'
import type { TermInputs } from './term-state.ts'

/** What a term needs from outside. */
export interface LeadershipDeps extends TermInputs {
  store: LeaseStore
  /** Absent: what automatic limits were found is forgotten with the term. */
  autoStore?: AutoStore
  /** By a quorum read of the election Lease. */
  confirmTerm: () => Promise<boolean>
  onTermLost: (reason: string) => void
  /** undefined when there is no such pod. */
  getPod: (namespace: string, name: string) => Promise<Pod | undefined>
  conditions: Pick<ConditionWriter, 'put' | 'removePod'>
  /** Writes the condition startgate.dev/Waiting; absent where none is written. Never rejects. */
  writeWaiting?: WriteCondition
  metrics: ServiceMetrics
  reporter: Reporter
  clock: Clock
  timers: Timers
  loopIdleMs?: () => number
  log: Logger
  newWriter?: (deps: GrantWriterDeps) => GrantWriter
}
