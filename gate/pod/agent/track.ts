import type { ContainerSight } from '../../../core/lease-api.ts'
import type { Readiness } from '../../../core/readiness.ts'
import type { Notification } from './notify/datagram.ts'

/**
 * What the agent knows of one container in this attempt. Times are monotonic, but for `lastWallMs`. Plain data,
 * since it is kept in a file for the case that the agent crashes.
 */
export interface Track {
  /** The last observation of a run that belongs to this attempt. */
  sight?: ContainerSight
  /** The last run that was seen; an observation between two runs has no ID. */
  lastId?: string
  /** The run the pod's status showed before the container's gate opened: left over from a sandbox that is gone. */
  staleId?: string
  /** Since when this run is known to run. */
  runningSinceMs?: number
  /** It has been started at least once in this attempt. */
  hasStarted?: boolean
  /** What the container itself says of being ready: READY=1, a PID file, a bus name. */
  word?: Word
  status?: string
  errno?: number
  /** EXTEND_TIMEOUT_USEC: not to be taken for late before. */
  extendedToMs?: number
  /** The agent was away while this run was starting, so its READY=1 may be lost. */
  mayHaveMissed?: boolean
  /** Until when it was away: a run that started before may have spoken unheard, too. */
  awayUntilWallMs?: number
}

interface Word {
  /** When it was first said. */
  sinceMs: number
  /** When it was last said, on both clocks. */
  lastMs: number
  lastWallMs: number
  /** The run that was seen running when the word came, or the first one seen after it; absent until then. */
  runId?: string
}

/** How long before the pod's status tells of a new run that run may have spoken, where the status has no start time. */
const STATUS_LAG_MS = 5_000

/**
 * Takes in what the pod's status shows. Before the container's gate is open, whatever it shows is of an earlier
 * sandbox.
 */
export function seen(track: Track, sight: ContainerSight, isOpen: boolean, nowMs: number): Track {
  const { id } = sight
  if (!isOpen) return id === undefined ? track : { ...track, staleId: id }
  if (id !== undefined && id === track.staleId) return track
  const isNewRun = id !== undefined && track.lastId !== undefined && id !== track.lastId
  const { runningSinceMs, word, ...rest } = isNewRun ? renewed(track, sight, nowMs) : track
  const isRunning = sight.state === 'running'
  return {
    ...rest,
    sight,
    ...(id !== undefined && { lastId: id }),
    ...(word && { word: isRunning && id !== undefined && word.runId === undefined ? { ...word, runId: id } : word }),
    ...(isRunning && { runningSinceMs: runningSinceMs ?? nowMs }),
    ...((isRunning || sight.state === 'terminated' || track.hasStarted) && { hasStarted: true }),
  }
}

/** A new run starts over, but for a word that was its own and came before its status did. */
function renewed(track: Track, { startedAtMs }: ContainerSight, nowMs: number): Track {
  const { word, staleId, hasStarted, mayHaveMissed, awayUntilWallMs = Number.NEGATIVE_INFINITY } = track
  const isOwn =
    word !== undefined &&
    (word.runId === undefined ||
      (startedAtMs !== undefined ? word.lastWallMs >= startedAtMs : nowMs - word.lastMs <= STATUS_LAG_MS))
  const { runId: _, ...unbound } = word ?? {}
  return {
    ...(staleId && { staleId }),
    ...(hasStarted && { hasStarted }),
    ...(mayHaveMissed &&
      startedAtMs !== undefined &&
      startedAtMs <= awayUntilWallMs && { mayHaveMissed, awayUntilWallMs }),
    ...(isOwn && { word: unbound as Word }),
  }
}

/** Takes in a datagram. STOPPING=1 takes READY=1 back: database images run a temporary server first. */
export function notified(track: Track, said: Notification, now: { ms: number; wallMs: number }): Track {
  const { word, status, errno, ...rest } = track
  const nextStatus = said.status ?? status
  const nextErrno = said.errno ?? errno
  const nextWord = said.state === 'stopping' ? undefined : said.state === 'ready' ? wordOf(track, now) : word
  return {
    ...rest,
    ...(nextWord && { word: nextWord }),
    ...(nextStatus && { status: nextStatus }),
    ...(nextErrno && { errno: nextErrno }),
    ...(said.extendMs !== undefined && { extendedToMs: now.ms + said.extendMs }),
  }
}

/** Said again, the word keeps its time as long as the same run is seen: repeating must not put readiness off. */
function wordOf({ word, sight }: Track, now: { ms: number; wallMs: number }): Word {
  const runId = sight?.state === 'running' ? sight.id : undefined
  const isRepeated = word !== undefined && word.runId === runId
  return {
    sinceMs: isRepeated ? word.sinceMs : now.ms,
    lastMs: now.ms,
    lastWallMs: now.wallMs,
    ...(runId !== undefined && { runId }),
  }
}

export interface ReadyRules {
  /** `simple`: how long it must have run. */
  simpleSettleMs: number
  /** How long a word must stand; and one whose run the status shows as running. */
  wordSettleMs: number
  shownWordSettleMs: number
  /** After it, what nobody can tell any more is taken for ready. */
  startTimeoutMs: number
}

export interface ReadyContext {
  readiness: Readiness
  /** When its gate was opened; absent while it is not. */
  openedMs?: number
  /** When the kubelet came to a later gate, so this container has started (its startup probe, too) or completed. */
  passedByMs?: number
  /** The lease service cannot be reached, so the pod's status is not known. */
  isAlone: boolean
}

/**
 * When the container became, or will become, ready if nothing changes; undefined while this depends on something
 * that has not happened.
 */
export function readyAtMs(track: Track, context: ReadyContext, rules: ReadyRules): number | undefined {
  const { openedMs, passedByMs, isAlone, readiness } = context
  if (openedMs === undefined) return undefined
  const { sight, runningSinceMs } = track
  switch (readiness.type) {
    case 'completed':
      return passedByMs ?? (hasSucceeded(sight) ? openedMs : undefined)
    case 'probe':
      if (sight?.state === 'running' && sight.ready) return openedMs
      return isAlone && passedByMs !== undefined ? lateAtMs(track, openedMs, rules) : undefined
    case 'simple':
      return laterBy(rules.simpleSettleMs, runningSinceMs ?? (isAlone ? passedByMs : undefined))
    default:
      return readyByWordAtMs(track, openedMs, rules)
  }
}

function laterBy(ms: number, sinceMs: number | undefined): number | undefined {
  return sinceMs === undefined ? undefined : sinceMs + ms
}

/** Whether the run that was seen last has exited with 0. */
export function hasSucceeded(sight: ContainerSight | undefined): boolean {
  return sight?.state === 'terminated' && sight.exitCode === 0
}

function readyByWordAtMs(track: Track, openedMs: number, rules: ReadyRules): number | undefined {
  const { word, sight } = track
  // A word bound to a run ends with it.
  const isOver = word?.runId !== undefined && sight !== undefined && sight.state !== 'running'
  const isShown = word?.runId !== undefined && sight?.state === 'running' && sight.id === word.runId
  if (word && !isOver) return word.sinceMs + (isShown ? rules.shownWordSettleMs : rules.wordSettleMs)
  return track.mayHaveMissed ? lateAtMs(track, openedMs, rules) : undefined
}

/** When a container that is not ready by then counts as failed. */
export function lateAtMs(track: Track, openedMs: number, { startTimeoutMs }: ReadyRules): number {
  return Math.max((track.runningSinceMs ?? openedMs) + startTimeoutMs, track.extendedToMs ?? 0)
}
