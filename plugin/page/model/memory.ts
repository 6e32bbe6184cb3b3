import type { State } from '../../../core/state-api.ts'
import { EMPTY_HERD_LOG, type HerdLog, herdAfter } from './herd-log.ts'
import { createHistory, gapAt, type History, record, sampleOf } from './history.ts'
import { type PhaseLog, phasesAfter } from './phase-log.ts'

/** Another replica leads. */
export interface LeaderChange {
  atMs: number
  from: string
  to: string
  term: number
}

/** What the page remembers of the states it has seen: bounded, however long it is open. */
export interface Memory {
  readonly history: History
  phases: PhaseLog
  herd: HerdLog
  leaders: readonly LeaderChange[]
  leader: { pod: string; term: number } | undefined
}

const MOST_LEADERS = 5

export function createMemory(): Memory {
  return { history: createHistory(), phases: new Map(), herd: EMPTY_HERD_LOG, leaders: [], leader: undefined }
}

/** Takes note of a state. */
export function remember(memory: Memory, state: State): void {
  memory.phases = phasesAfter(memory.phases, state)
  memory.herd = herdAfter(memory.herd, state)
  const { leader, term } = state.service
  const before = memory.leader
  if (before && before.term !== term) {
    const change = { atMs: state.atMs, from: before.pod, to: leader.pod, term }
    memory.leaders = [...memory.leaders, change].slice(-MOST_LEADERS)
  }
  memory.leader = { pod: leader.pod, term }
  record(memory.history, sampleOf(state, state.atMs, memory.herd.granted))
}

/** A second went by in which nothing changed, or of which nothing is known. */
export function secondPassed(memory: Memory, state: State | undefined, nowMs: number): void {
  record(memory.history, state ? sampleOf(state, nowMs, memory.herd.granted) : gapAt(nowMs))
}
