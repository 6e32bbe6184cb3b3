import type { ScopeState, SequencedPod, WaitingGate } from '../../core/state-api.ts'
import { adviceFor } from './advice.ts'
import type { PodFacts } from './facts.ts'
import { type Moment, timeline } from './timeline.ts'
import { podVerdict } from './verdict.ts'

/** One gate that waits, with all that is known of it. */
export interface ExplainedGate {
  gate: WaitingGate
  scope?: ScopeState
  /** Who is before it in the line of that scope; names of other namespaces only for who may see them. */
  ahead: WaitingGate[]
  advice: string[]
}

/** All that is said of a pod. */
export interface Explanation {
  namespace: string
  pod: string
  node: string | undefined
  verdict: ReturnType<typeof podVerdict>
  waiting: ExplainedGate[]
  /** The pod's containers, where they have an order. */
  sequence: SequencedPod | undefined
  /** Of the condition startgate.dev/Started, where the leader cannot be asked. */
  condition: string | undefined
  /** Why the leader could not be asked. */
  stateProblem: string | undefined
  timeline: Moment[]
}

/** Puts together what the API and the leader say of a pod. */
export function explain(facts: PodFacts): Explanation {
  const { pod, namespace, state } = facts
  const known = state.kind === 'known' ? state : undefined
  const condition = pod.status?.conditions?.find(({ type }) => type === 'startgate.dev/Started')
  return {
    namespace,
    pod: pod.metadata.name ?? '',
    node: pod.spec.nodeName,
    verdict: podVerdict(facts),
    waiting: (known?.state.waiting.items ?? []).map(gate => {
      const scope = known?.state.scopes.items.find(row => row.scope === gate.scope && row.resource === gate.resource)
      const ahead = (known?.ahead ?? []).filter(other => isAhead(other, gate))
      return { gate, ...(scope && { scope }), ahead, advice: adviceFor(gate, scope) }
    }),
    sequence: known?.state.pods.items[0],
    condition: condition && `${condition.reason ?? condition.status}: ${condition.message ?? ''}`,
    stateProblem: state.kind === 'unknown' ? state.problem : undefined,
    timeline: timeline(facts),
  }
}

function isAhead(other: WaitingGate, gate: WaitingGate): boolean {
  return other.resource === gate.resource && other.scope === gate.scope && other.place < gate.place
}
