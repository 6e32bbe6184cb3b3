import type { Pressure } from '../../../core/pressure.ts'
import type { AutoLimit } from '../auto/auto-limit.ts'
import type { LedgerView } from '../ledger/ledger-view.ts'
import type { Recent } from './recent.ts'
import type { SequencedFacts } from './sequenced-pods.ts'

/** All that the state API tells of, as the leader of a term knows it. To be read at once: it is no copy. */
export interface StateFacts {
  term: number
  address: string
  /** Since when this leader has been at work. Wall clock. */
  sinceMs: number
  now: { monotonicMs: number; wallMs: number }
  ledger: LedgerView
  /** What waiters and gates have told of their nodes lately. */
  pressures: () => [nodeName: string, pressure: Pressure][]
  /** Names of the nodes that are held back for it. */
  heldBack: { has(nodeName: string): boolean }
  /** Nodes whose start limit is what they found by themselves. */
  autos: () => Iterable<[nodeName: string, limit: AutoLimit]>
  /** Pods with an order among their containers. */
  sequenced: Iterable<SequencedFacts>
  recent: Recent
}
