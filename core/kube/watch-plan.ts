import { type ApiStatus, isGone, KubeError } from './kube-error.ts'
import type { Query } from './transport.ts'

/**
 * How a list or a watch ended. `Closed`: by the server, as announced. `Silent`: the watchdog cut it. `Expired`: the
 * resourceVersion is too old. `Unreachable`: no answer, or one that says to come again. `Refused`: any other fault,
 * where going on from the same place may fail for ever (no rights, garbled stream, ERROR event). `NoStreaming`: the
 * server cannot stream a list.
 */
export type LoopEnd =
  | { kind: 'Listed' }
  | { kind: 'NoStreaming' }
  | { kind: 'Closed' | 'Silent' | 'Expired'; receivedEvents: boolean }
  | { kind: 'Unreachable' | 'Refused'; receivedEvents: boolean; retryAfterMs?: number }

export interface LoopState {
  /** Ends in a row that brought nothing. */
  failures: number
}

export interface LoopPlan {
  /** `list`: streamed, and watched on; `pages`: read page by page. */
  next: 'list' | 'pages' | 'watch'
  delayMs: number
  failures: number
}

const BACKOFF_MS = 100
/** Few clients and an API server that may be back any moment: rather ask a little often than be late. */
const MAX_BACKOFF_MS = 2_000
/** A resourceVersion from the future (etcd restored from a backup) fails like an unreachable server. */
const RELIST_AFTER_FAILURES = 3

/**
 * What to do after `end`. `random` is in [0, 1). No list is too old: a watch that goes on from a resourceVersion tells
 * of every change since, or the server says that it cannot (410), and one that has fallen silent is cut.
 */
export function planAfter(end: LoopEnd, state: LoopState, random: number): LoopPlan {
  if (end.kind === 'Listed') return { next: 'watch', delayMs: 0, failures: 0 }
  if (end.kind === 'NoStreaming') return { next: 'pages', delayMs: 0, failures: state.failures }
  const fruitless = !end.receivedEvents
  const failures = fruitless ? state.failures + 1 : 0
  const failed = end.kind === 'Unreachable' || end.kind === 'Refused'
  // The first end in a row that is no fault is followed at once; a server that keeps closing gets the same back-off.
  const steps = failed ? Math.max(failures, 1) : failures - 1
  const backoffMs = steps > 0 ? Math.min(BACKOFF_MS * 2 ** (steps - 1), MAX_BACKOFF_MS) * (0.5 + random / 2) : 0
  const askedMs = (failed && end.retryAfterMs) || 0
  const relist =
    end.kind === 'Expired' ||
    end.kind === 'Refused' ||
    (end.kind === 'Unreachable' && failures >= RELIST_AFTER_FAILURES)
  return { next: relist ? 'list' : 'watch', delayMs: Math.max(backoffMs, askedMs), failures }
}

/** How a thrown error ends a list or a watch. */
export function endOfError(error: unknown, receivedEvents: boolean): LoopEnd {
  if (isGone(error)) return { kind: 'Expired', receivedEvents }
  if (!(error instanceof KubeError)) return { kind: 'Refused', receivedEvents }
  if (error.reason === 'Timeout' && error.status === 0) return { kind: 'Silent', receivedEvents }
  const comeAgain = error.status === 0 || error.status === 429 || error.status >= 500
  const asked = error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }
  return { kind: comeAgain ? 'Unreachable' : 'Refused', receivedEvents, ...asked }
}

/** How a watch's ERROR event ends it. Whatever it says, the next list is the truth. */
export function endOfErrorEvent(status: ApiStatus, receivedEvents: boolean): LoopEnd {
  const expired = status.code === 410 || status.reason === 'Expired' || status.reason === 'Gone'
  return { kind: expired ? 'Expired' : 'Refused', receivedEvents }
}

/** Seconds after which the server is to end a watch: 240 to 300, spread so that watches do not end together. */
export function watchTimeoutSeconds(random: number): number {
  return 240 + Math.floor(random * 61)
}

/**
 * What a watch is asked for: from a resourceVersion on, or from its beginning, with all that there is (a streaming
 * list).
 */
export function watchQuery(from: { resourceVersion: string } | 'Begin', random: number): Query {
  const query = { watch: true, allowWatchBookmarks: true }
  const timeoutSeconds = watchTimeoutSeconds(random)
  if (from !== 'Begin') return { ...query, ...from, timeoutSeconds }
  // Without a resourceVersion it is as consistent as a quorum list. It may be long, and the server's own bound is 1800
  // s and above.
  return {
    ...query,
    sendInitialEvents: true,
    resourceVersionMatch: 'NotOlderThan',
    timeoutSeconds: 4 * timeoutSeconds,
  }
}

/** Whether a server says that it knows no streaming lists: before 1.27 a bad request, later an invalid one. */
export function lacksStreamingLists(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 400 || error.status === 422)
}
