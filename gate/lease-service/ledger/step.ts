import type { AfterCycle, AfterOverdue } from '../after/after-waits.ts'
import type { Scope } from '../limits/scope.ts'
import type { Grant, Release, SlotTimeout, Waiting } from '../model/grant.ts'
import type { Trouble } from '../model/trouble.ts'
import { WaitingRows } from '../model/waiting-rows.ts'

/** What the ledger has decided. */
export interface Step {
  /**
   * To be made durable, then answered. One that `isFree` needs no Lease, and the ledger has forgotten it already.
   * `grantedAtMs` is 0: the ledger has no wall clock, so the shell stamps it.
   */
  grants: Grant[]
  /** Those of `grants` that are larger than a limit and run alone in that scope. */
  oversize: { key: string; slots: number; scope: Scope }[]
  /** Those of `grants` that pass although limits are full, and why. */
  passes: { key: string; reason: string }[]
  releases: Release[]
  /** Containers that were not ready in time, at the moment their slots were taken back. */
  timeouts: SlotTimeout[]
  /** Pods that `after` holds back no more although what they come after is not ready; each once. */
  overdue: AfterOverdue[]
  /** Workloads that wait for each other, at every step as long as they do. */
  cycles: AfterCycle[]
  /** In the order in which they would be taken, `pull` first. */
  rows: WaitingRows
  /** All of `rows`. */
  readonly waiting: readonly Waiting[]
  /** When to call `step` next though nothing happens. */
  wakeAtMs: number | undefined
  /** What came to light of single pods since the last step, at which each was set aside while all others went on. */
  troubles: Trouble[]
  /** Why a part of the step did not happen that concerns more than one pod; what the others came to stands. */
  failure?: unknown
}

const NO_ROWS = new WaitingRows()

/** A step that came to nothing. A class, as steps are many, and an object with a getter of its own is slow to make. */
export class EmptyStep implements Step {
  grants: Step['grants'] = []
  oversize: Step['oversize'] = []
  passes: Step['passes'] = []
  releases: Step['releases'] = []
  timeouts: Step['timeouts'] = []
  overdue: Step['overdue'] = []
  cycles: Step['cycles'] = []
  rows = NO_ROWS
  wakeAtMs: number | undefined
  troubles: Step['troubles'] = []

  get waiting(): readonly Waiting[] {
    return this.rows.all()
  }
}
