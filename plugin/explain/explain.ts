import type { ScopeState, SequencedPod, WaitingGate } from '../../core/state-rows.ts'
import { adviceFor } from './advice.ts'
import type { ExplainedPod, PodFacts } from './facts.ts'
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
  /** What the leader wrote into the pod's status: its wait, and the order of its containers. */
  conditions: string[]
  /** Why the leader could not be asked. */
  stateProblem: string | undefined
  timeline: Moment[]
}

/** Puts together what the API and the leader say of a pod. */
export function explain(facts: PodFacts): Explanation {
  const { pod, namespace, state } = facts
  const known = state.kind === 'known' ? state : undefined
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
    conditions: conditionsOf(pod),
    stateProblem: state.kind === 'unknown' ? state.problem : undefined,
    timeline: timeline(facts),
  }
}

function isAhead(other: WaitingGate, gate: WaitingGate): boolean {
  return other.resource === gate.resource && other.scope === gate.scope && other.place < gate.place
}

/** Those that say what is not so yet: of `Started` while it is not true, of `Waiting` while it is. */
function conditionsOf({ status }: ExplainedPod): string[] {
  return (status?.conditions ?? []).flatMap(({ type, status: is, reason, message }) =>
    (type === 'startgate.dev/Started' && is !== 'True') || (type === 'startgate.dev/Waiting' && is === 'True')
      ? [`${type.replace('startgate.dev/', '')} is ${is}: ${reason ?? ''}: ${(message ?? '').slice(0, 500)}`]
      : [],
  )
}
