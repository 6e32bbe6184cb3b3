import type { Clock } from '../../core/clock.ts'
import type { Pod } from '../../core/pod.ts'
import type { AgentStreams } from './agent-streams.ts'
import type { ConditionWriter } from './condition-writer.ts'
import { containersSeen } from './container-view.ts'
import type { SlotTimeout } from './model.ts'
import { sequenceOf } from './pod-sequence.ts'
import type { Report } from './reports.ts'
import { startedCondition } from './started-condition.ts'

export interface SequenceTellerDeps {
  agents: AgentStreams
  reportsOf: (podUid: string, attempt: number) => ReadonlyMap<string, Report> | undefined
  conditions: Pick<ConditionWriter, 'put' | 'removePod'>
  clock: Clock
}

/** Shows an agent what its pod's status says, and people what both say together. */
export class SequenceTeller {
  readonly #deps: SequenceTellerDeps
  /** Containers that were not ready in time, by pod and run. */
  readonly #timedOut = new Map<string, Map<number, Set<string>>>()

  constructor(deps: SequenceTellerDeps) {
    this.#deps = deps
  }

  tell(pod: Pod): void {
    const { agents, conditions, clock, reportsOf } = this.#deps
    const { uid = '' } = pod.metadata
    const attempt = agents.attemptOf(uid)
    const sequence = sequenceOf(pod)
    if (attempt === undefined || !sequence) return
    agents.tell(uid, containersSeen(pod, sequence, attempt), clock.monotonicMs())
    const timedOut = this.#timedOut.get(uid)?.get(attempt) ?? new Set()
    conditions.put(pod, startedCondition(pod, sequence, { attempt, reports: reportsOf(uid, attempt), timedOut }))
  }

  timedOut(pod: Pod, { grant, container }: SlotTimeout): void {
    if (!sequenceOf(pod)) return
    const { podUid, attempt } = grant
    const runs = this.#timedOut.get(podUid) ?? new Map<number, Set<string>>()
    this.#timedOut.set(podUid, runs.set(attempt, (runs.get(attempt) ?? new Set()).add(container)))
    this.tell(pod)
  }

  removePod(uid: string): void {
    this.#deps.agents.removePod(uid)
    this.#deps.conditions.removePod(uid)
    this.#timedOut.delete(uid)
  }
}
