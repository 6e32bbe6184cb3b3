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
  /** Containers that were not ready in time, by run. */
  readonly #timedOut = new Map<string, Set<string>>()

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
    const timedOut = this.#timedOut.get(runOf(uid, attempt)) ?? new Set()
    conditions.put(pod, startedCondition(pod, sequence, { attempt, reports: reportsOf(uid, attempt), timedOut }))
  }

  timedOut(pod: Pod, { grant, container }: SlotTimeout): void {
    if (!sequenceOf(pod)) return
    const run = runOf(grant.podUid, grant.attempt)
    this.#timedOut.set(run, (this.#timedOut.get(run) ?? new Set()).add(container))
    this.tell(pod)
  }

  removePod(uid: string): void {
    this.#deps.agents.removePod(uid)
    this.#deps.conditions.removePod(uid)
    for (const run of this.#timedOut.keys()) if (run.startsWith(`${uid}.`)) this.#timedOut.delete(run)
  }
}

function runOf(podUid: string, attempt: number): string {
  return `${podUid}.${attempt}`
}
