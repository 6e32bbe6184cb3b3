import { START_GATE } from '../../core/names.ts'
import type { Container, Pod } from '../../core/pod.ts'
import type { LimitFacts } from '../../gate/lease-service/limits/scope.ts'
import { startTimeoutIn } from '../../gate/lease-service/limits/start-timeout.ts'
import { containerOf, sequenceOf } from '../../gate/lease-service/pods/pod-sequence.ts'
import type { PlannedContainer, PlannedStage } from './model.ts'

/**
 * What is known of how long containers start: `recorded` of late in this cluster; `given` by --start-seconds;
 * `settled`, without a probe, after the settle time; `worst`, all the time that their start timeout gives them.
 */
export type TimeSource = 'recorded' | 'given' | 'settled' | 'worst'

export interface StartTimes {
  stages: PlannedStage[]
  /** The longest time of one container, and where it is from. */
  startMs: number
  source: TimeSource
}

export interface KnownTimes {
  recordedMs: number | undefined
  givenMs: number | undefined
}

/** The stages of a gated pod, and how long their containers are going to start. */
export function startTimesOf(pod: Pod, { recordedMs, givenMs }: KnownTimes, facts: LimitFacts): StartTimes {
  const timeoutOf = startTimeoutIn(pod, facts)
  const sequence = sequenceOf(pod)
  const stages = sequence?.stages ?? [
    { gate: START_GATE, containers: pod.spec.containers.map(({ name }) => name), dependsOn: [] },
  ]
  const { settleMs } = facts.settings
  const isTold = (container: Container): boolean => {
    const type = sequence?.readiness[container.name]?.type
    return type === undefined ? !!(container.startupProbe ?? container.readinessProbe) : type !== 'simple'
  }
  const all = stages.flatMap(stage => stage.containers.flatMap(name => containerOf(pod, name) ?? []))
  const hasTold = all.some(isTold)
  const timesOf = (container: Container): PlannedContainer & { source: TimeSource } => {
    const { name } = container
    const timeoutMs = timeoutOf(container)
    if (recordedMs !== undefined && (isTold(container) || !hasTold))
      return { name, startMs: recordedMs, timeoutMs, source: 'recorded' }
    if (!isTold(container)) return { name, startMs: settleMs, timeoutMs, source: 'settled' }
    if (givenMs !== undefined) return { name, startMs: givenMs, timeoutMs, source: 'given' }
    return { name, startMs: timeoutMs, timeoutMs, source: 'worst' }
  }
  const times = new Map(all.map(container => [container.name, timesOf(container)]))
  const longest = [...times.values()].reduce<PlannedContainer & { source: TimeSource }>(
    (most, one) => (one.startMs > most.startMs ? one : most),
    { name: '', startMs: 0, timeoutMs: 0, source: 'settled' },
  )
  const planned = stages.map(({ gate, containers, dependsOn }) => ({
    gate,
    containers: containers.flatMap(name => times.get(name) ?? []),
    dependsOn: dependsOn.map(({ container, condition }) => ({ container, isStartedEnough: condition === 'started' })),
  }))
  return { stages: planned, startMs: longest.startMs, source: longest.source }
}
