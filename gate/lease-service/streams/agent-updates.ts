import type { Clock } from '../../../core/clock.ts'
import type { Pod } from '../../../core/pod.ts'
import type { SlotTimeout } from '../model/grant.ts'
import type { Report } from '../pods/agent-reports.ts'
import { containersSeen } from '../pods/container-observation.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import { startedCondition } from '../pods/started-condition.ts'
import type { ConditionWriter } from '../report/condition-writer.ts'
import type { AgentStreams } from './agent-streams.ts'

export interface AgentUpdatesDeps {
  agents: AgentStreams
  reportsOf: (podUid: string, attempt: number) => ReadonlyMap<string, Report> | undefined
  conditions: Pick<ConditionWriter, 'put' | 'removePod'>
  clock: Clock
}

const NONE: ReadonlySet<string> = new Set()

/** Shows an agent what its pod's status says, and people what both say together. */
export class AgentUpdates {
  readonly #deps: AgentUpdatesDeps
  /** Containers that were not ready in time, of the latest run that had one. */
  readonly #timedOut = new Map<string, { attempt: number; names: Set<string> }>()

  constructor(deps: AgentUpdatesDeps) {
    this.#deps = deps
  }

  tell(pod: Pod): void {
    const { agents, conditions, clock, reportsOf } = this.#deps
    const { uid = '' } = pod.metadata
    const attempt = agents.attemptOf(uid)
    const sequence = sequenceOf(pod)
    if (attempt === undefined || !sequence) return
    const sights = containersSeen(pod, sequence, attempt)
    agents.tell(uid, sights, clock.monotonicMs())
    const timedOut = this.timedOutIn(uid, attempt)
    conditions.put(pod, startedCondition(sequence, sights, { attempt, reports: reportsOf(uid, attempt), timedOut }))
  }

  /** Containers of a pod that were not ready in time, in this run. */
  timedOutIn(uid: string, attempt: number): ReadonlySet<string> {
    const late = this.#timedOut.get(uid)
    return late?.attempt === attempt ? late.names : NONE
  }

  timedOut(pod: Pod, { grant, container }: SlotTimeout): void {
    if (!sequenceOf(pod)) return
    const { podUid, attempt } = grant
    const before = this.#timedOut.get(podUid)
    const names = before?.attempt === attempt ? before.names : new Set<string>()
    this.#timedOut.set(podUid, { attempt, names: names.add(container) })
    this.tell(pod)
  }

  removePod(uid: string): void {
    this.#deps.agents.removePod(uid)
    this.#deps.conditions.removePod(uid)
    this.#timedOut.delete(uid)
  }
}
