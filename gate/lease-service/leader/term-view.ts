import { PULL_GATE } from '../../../core/names.ts'
import type { Pressure } from '../../../core/pressure.ts'
import type { ScopeUsage } from '../limits/slot-usage.ts'
import { attemptIn, statusOf } from '../pods/container-status.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import type { BadAnnotationRow } from '../report/annotation-problems.ts'
import type { QueueLength } from '../report/queue-length.ts'
import type { StateFacts } from '../state/facts.ts'
import type { Recent } from '../state/recent.ts'
import type { SequencedFacts } from '../state/sequenced-pods.ts'
import { autoRows } from './term-autos.ts'
import { streamCount } from './term-requests.ts'
import type { Now, TermState } from './term-state.ts'

/** What a term knows, for people: nothing is decided by it. */
export interface TermView {
  usage(): ScopeUsage[]
  queueLengths(): QueueLength[]
  /** What waiters and gates have told of their nodes lately. */
  pressures(): [nodeName: string, pressure: Pressure][]
  /** Of nodes whose start limit is what they found by themselves. */
  autoLimits(): [nodeName: string, limit: number][]
  badAnnotations(): BadAnnotationRow[]
  streamCount(): number
  /** For the state API; undefined where nobody leads here. */
  facts(now: Now): StateFacts | undefined
}

/** Of a replica that does not lead. */
export const NO_VIEW: TermView = {
  usage: () => [],
  queueLengths: () => [],
  pressures: () => [],
  autoLimits: () => [],
  badAnnotations: () => [],
  streamCount: () => 0,
  facts: () => undefined,
}

/** `sinceMs`: when the term began, by the wall clock. */
export function termView(state: TermState, sinceMs: number, recent: Recent): TermView {
  const { ledger, gates, pressures, badAnnotations, inputs } = state
  return {
    usage: () => ledger.usage(),
    queueLengths: () => gates.queueLengths(),
    pressures: () => pressures.figures(),
    autoLimits: () => autoRows(state).map(([name, { limit }]) => [name, limit]),
    badAnnotations: () => badAnnotations.rows(),
    streamCount: () => streamCount(state),
    facts: now => ({
      ...{ term: inputs.term, address: inputs.address, sinceMs, now, recent },
      ledger: ledger.view(),
      pressures: () => pressures.figures(),
      autos: () => autoRows(state),
      heldBack: pressures.overloads,
      sequenced: sequencedIn(state),
    }),
  }
}

function* sequencedIn({ pods, agents, ledger, sequences }: TermState): Iterable<SequencedFacts> {
  for (const [uid, pod] of pods) {
    const sequence = sequenceOf(pod)
    if (!sequence || pod.metadata.deletionTimestamp) continue
    const spokenFor = agents.attemptOf(uid)
    // Without its agent, the run is the one that its first gate says it let go.
    const attempt = spokenFor ?? attemptIn(statusOf(pod, PULL_GATE)?.state?.terminated?.message) ?? 1
    const reports = ledger.reportsOf(uid, attempt)
    yield {
      pod,
      sequence,
      attempt,
      reports,
      timedOut: sequences.timedOutIn(uid, attempt),
      hasAgent: spokenFor !== undefined,
    }
  }
}
