import type { AgentReport, ContainerSight, GateVerdict } from '../../../core/lease-api.ts'
import type { GateName } from '../../../core/names.ts'
import { isReportedByAgent } from '../../../core/readiness.ts'
import type { Dependency, Stage } from '../../../core/sequence.ts'
import type { Effect, Phase, Rules, SequencingEvent, SequencingState, StageState } from './sequencing-state.ts'
import { hasSucceeded, lateAtMs, notified, type ReadyContext, readyAtMs, seen, type Track } from './track.ts'

/**
 * The sequence's whole protocol: what the agent knows and does after an event. Total, no I/O. Slots are asked for when
 * the kubelet has come to the gate and its dependencies hold, not before: one who cannot start must hold no slot.
 */
export function step(
  rules: Rules,
  state: SequencingState,
  event: SequencingEvent,
  nowMs: number,
): [SequencingState, Effect[]] {
  const next = take(rules, state, event, nowMs)
  const moves = next.stages.map((_, index) => move(rules, next, index, { isTick: event.kind === 'tick', nowMs }))
  return [{ ...next, stages: moves.map(([stage]) => stage) }, moves.flatMap(([, effect]) => effect ?? [])]
}

/** What comes next for one stage. */
function move(
  rules: Rules,
  state: SequencingState,
  index: number,
  { isTick, nowMs }: { isTick: boolean; nowMs: number },
): [StageState, Effect?] {
  const stage = state.stages[index] ?? {}
  const gate = rules.sequence.stages[index]?.gate
  if (gate === undefined || stage.hereMs === undefined || stage.hasPassed) return [stage]
  const wants = wantsToGo(rules, state, index, nowMs)
  const verdict = stage.verdict ?? (wants ? verdictAlone(rules, state, index, nowMs) : undefined)
  if (verdict) {
    const { openedMs } = stage
    // Said again at each tick: a gate that was killed between hearing and ending starts over.
    if (openedMs !== undefined && !isTick) return [stage]
    return [
      { ...stage, verdict, openedMs: openedMs ?? nowMs },
      { kind: 'open', gate, verdict },
    ]
  }
  if (wants === (stage.isAsking ?? false)) return [stage]
  return [
    { ...stage, isAsking: wants },
    { kind: wants ? 'ask' : 'withdraw', gate },
  ]
}

function wantsToGo(rules: Rules, state: SequencingState, index: number, nowMs: number): boolean {
  return (state.hasSights || state.isAlone) && isMet(rules, state, rules.sequence.stages[index]?.dependsOn ?? [], nowMs)
}

/** Without the lease service a stage goes as soon as its dependencies allow: the fail-open time is over already. */
function verdictAlone(rules: Rules, state: SequencingState, index: number, nowMs: number): GateVerdict | undefined {
  const { hereMs = nowMs, isAsking } = state.stages[index] ?? {}
  const gate = rules.sequence.stages[index]?.gate
  // A stage that asks already has a fail-open time of its own, and may be in contact.
  if (!state.isAlone || isAsking || gate === undefined) return undefined
  const reason = 'the lease service cannot be reached'
  return { verdict: 'failed-open', gate, attempt: rules.attempt, waitedMs: Math.round(nowMs - hereMs), reason }
}

function take(rules: Rules, state: SequencingState, event: SequencingEvent, nowMs: number): SequencingState {
  const onStage = (gate: GateName, change: (stage: StageState) => StageState) => ({
    ...state,
    stages: state.stages.map((stage, index) => (rules.sequence.stages[index]?.gate === gate ? change(stage) : stage)),
  })
  switch (event.kind) {
    case 'sights':
      return { ...state, hasSights: true, tracks: tracksAfter(rules, state, event.containers, nowMs) }
    case 'gate-here':
      return onStage(event.gate, stage => ({ ...stage, hereMs: stage.hereMs ?? nowMs }))
    case 'gate-passed':
      return onStage(event.gate, stage => ({ ...stage, hereMs: stage.hereMs ?? nowMs, hasPassed: true }))
    case 'verdict':
      // One that comes after its request was withdrawn is for a slot that the service gives again when asked again.
      return onStage(event.gate, stage =>
        stage.isAsking ? { ...stage, isAsking: false, verdict: event.verdict } : stage,
      )
    case 'notification': {
      const track = state.tracks[event.container]
      if (!track) return state
      const now = { ms: nowMs, wallMs: event.wallMs }
      return { ...state, tracks: { ...state.tracks, [event.container]: notified(track, event.said, now) } }
    }
    case 'alone':
      return { ...state, isAlone: event.isAlone }
    case 'tick':
      return state
  }
}

function tracksAfter(
  { sequence }: Rules,
  state: SequencingState,
  containers: Record<string, ContainerSight>,
  nowMs: number,
): Record<string, Track> {
  const tracks = { ...state.tracks }
  for (const [index, stage] of sequence.stages.entries())
    for (const name of stage.containers) {
      const sight = containers[name]
      const isOpen = state.stages[index]?.openedMs !== undefined
      if (sight) tracks[name] = seen(tracks[name] ?? {}, sight, isOpen, nowMs)
    }
  return tracks
}

function isMet(rules: Rules, state: SequencingState, dependsOn: Dependency[], nowMs: number): boolean {
  return dependsOn.every(({ container, condition }) => {
    if (condition !== 'started') return phaseOf(rules, state, container, nowMs) === 'ready'
    return state.tracks[container]?.hasStarted === true || contextOf(rules, state, container)?.passedByMs !== undefined
  })
}

/** The phase of a container of the sequence; `blocked` for any other. */
export function phaseOf(rules: Rules, state: SequencingState, container: string, nowMs: number): Phase {
  const context = contextOf(rules, state, container)
  const track = state.tracks[container]
  if (!context || !track) return 'blocked'
  if (context.openedMs === undefined) return context.isAsking ? 'pending' : 'blocked'
  const atMs = readyAtMs(track, context, rules)
  if (atMs !== undefined && atMs <= nowMs) return 'ready'
  return nowMs >= lateAtMs(track, context.openedMs, rules) ? 'failed' : 'starting'
}

function contextOf(
  { sequence }: Rules,
  state: SequencingState,
  container: string,
): (ReadyContext & { isAsking: boolean }) | undefined {
  const index = sequence.stages.findIndex(stage => stage.containers.includes(container))
  const readiness = sequence.readiness[container]
  const stage = state.stages[index]
  if (!stage || !readiness) return undefined
  const { openedMs, isAsking = false } = stage
  const passedByMs = state.stages.slice(index + 1).find(({ hereMs }) => hereMs !== undefined)?.hereMs
  return {
    readiness,
    isAlone: state.isAlone,
    isAsking,
    ...(openedMs !== undefined && { openedMs }),
    ...(passedByMs !== undefined && { passedByMs }),
  }
}

/** When time alone changes a phase next; undefined when only an event can. */
export function dueMs(rules: Rules, state: SequencingState, nowMs: number): number | undefined {
  const times = rules.sequence.stages.flatMap((stage: Stage) =>
    stage.containers.flatMap(name => {
      const context = contextOf(rules, state, name)
      const track = state.tracks[name]
      if (!context || !track || context.openedMs === undefined) return []
      return [readyAtMs(track, context, rules), lateAtMs(track, context.openedMs, rules)]
    }),
  )
  const ahead = times.filter((ms): ms is number => ms !== undefined && ms > nowMs)
  return ahead.length > 0 ? Math.min(...ahead) : undefined
}

/** Whether nothing is left to do: all gates passed, all containers ready or, where it ends by design, ended well. */
export function isFinished(rules: Rules, state: SequencingState, nowMs: number): boolean {
  return (
    state.stages.every(stage => stage.hasPassed) &&
    Object.entries(state.tracks).every(
      ([name, { sight }]) => phaseOf(rules, state, name, nowMs) === 'ready' || hasSucceeded(sight),
    )
  )
}

/** The whole state of the released containers, for the lease service: each report is complete. */
export function reportsOf(rules: Rules, state: SequencingState, nowMs: number): AgentReport[] {
  return Object.entries(state.tracks).flatMap(([container, track]) => {
    const readiness = rules.sequence.readiness[container]
    const phase = phaseOf(rules, state, container, nowMs)
    if (!readiness || !isReportedByAgent(readiness) || phase === 'blocked' || phase === 'pending') return []
    const { sight, status, errno, extendedToMs } = track
    const extendUntilMs = extendedToMs === undefined ? 0 : extendedToMs - nowMs
    return {
      container,
      ...(sight?.id !== undefined && { containerId: sight.id }),
      // That a container is late is for the lease service to say.
      state: phase === 'ready' ? ('ready' as const) : ('starting' as const),
      ...(phase !== 'ready' && extendUntilMs > 0 && { extendUntilMs }),
      ...(status && { status }),
      ...(errno && { errno }),
    }
  })
}
