import { compareIds, compareWaiting } from '../../../core/state-changes.ts'
import type {
  NodeState,
  RecentNews,
  ScopeState,
  SequencedPod,
  StateResource,
  Totals,
  WaitingGate,
} from '../../../core/state-rows.ts'
import type { ScopeFact } from '../ledger/ledger-view.ts'
import { type Demand, demandsOf, NO_DEMAND } from './demand.ts'
import type { StateFacts } from './facts.ts'
import { nodeState } from './node-state.ts'
import { isTold, scopeState } from './scope-state.ts'
import { sequencedPod } from './sequenced-pods.ts'
import { shared } from './shared-rows.ts'
import { waitingGate } from './waiting-gate.ts'

/** All that may be told at one moment, whole; each list in its order. Nothing in it is ever changed. */
export interface Snapshot {
  atMs: number
  leader: Pick<StateFacts, 'term' | 'address' | 'sinceMs'>
  totals: Record<StateResource, Totals>
  scopes: readonly ScopeState[]
  waiting: readonly WaitingGate[]
  nodes: readonly NodeState[]
  pods: readonly SequencedPod[]
  recent: RecentNews
  /** Nodes on which a namespace holds or owes slots. */
  nodesOf: ReadonlyMap<string, ReadonlySet<string>>
}

/**
 * Copies what the leader knows. `wallOffsetMs` (wall minus monotonic time) is to stay the same from one snapshot to the
 * next, or every row would seem to change; rows that are as `before` are the same objects.
 */
export function snapshot(facts: StateFacts, wallOffsetMs: number, before?: Snapshot): Snapshot {
  const { term, address, sinceMs, ledger } = facts
  const waitingFacts = ledger.waiting()
  const scopeFacts = ledger.scopes()
  const demands = demandsOf(waitingFacts)
  const demandAt = (resource: StateResource, scope: string): Demand => demands.get(`${resource}:${scope}`) ?? NO_DEMAND
  const waiting = waitingFacts.map(fact => waitingGate(fact, wallOffsetMs))
  const scopes = scopeFacts.flatMap(fact => {
    const demand = demandAt(fact.resource, fact.ref.id)
    return isTold(fact, demand) ? [scopeState(fact, demand)] : []
  })
  const { heldBack } = facts
  const load = { heldBack, pressures: new Map(facts.pressures()), autos: new Map(facts.autos()) }
  const nodes = Iterator.from(ledger.nodes()).map(node => nodeState(node, load, demandAt))
  const pods = Iterator.from(facts.sequenced).flatMap(each => {
    const row = sequencedPod(each)
    return row ? [row] : []
  })
  return {
    atMs: facts.now.wallMs,
    leader: { term, address, sinceMs },
    totals: { pull: totalsOf('pull', waiting), start: totalsOf('start', waiting) },
    scopes: shared(before?.scopes, scopes.sort(compareIds)),
    waiting: shared(before?.waiting, waiting.sort(compareWaiting)),
    nodes: shared(before?.nodes, nodes.toArray().sort(compareIds)),
    pods: shared(before?.pods, pods.toArray().sort(compareIds)),
    recent: facts.recent.rows(),
    nodesOf: nodesOf(scopeFacts),
  }
}

function totalsOf(resource: StateResource, waiting: readonly WaitingGate[]): Totals {
  let [gates, slots, oldestMs] = [0, 0, Number.POSITIVE_INFINITY]
  for (const row of waiting) {
    if (row.resource !== resource) continue
    gates += 1
    slots += row.slots
    oldestMs = Math.min(oldestMs, row.sinceMs)
  }
  return { gates, slots, ...(gates > 0 && { sinceMs: oldestMs }) }
}

function nodesOf(scopes: readonly ScopeFact[]): Map<string, Set<string>> {
  const nodes = new Map<string, Set<string>>()
  for (const { ref } of scopes) {
    if (ref.at.kind !== 'namespace-on-node') continue
    const { namespace, node } = ref.at
    nodes.set(namespace, (nodes.get(namespace) ?? new Set()).add(node))
  }
  return nodes
}
