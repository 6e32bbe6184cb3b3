import type { ContainerPhase, ScopeState, StateResource, WaitingCause } from '../../../core/state-rows.ts'
import { printable } from '../../output/paint.ts'
import { span } from '../../output/span.ts'

/* Words for people, used by more than one screen. */

export const RESOURCE_WORDS: Record<StateResource, string> = { start: 'Starting', pull: 'Pulling' }

export const PHASE_WORDS: Record<ContainerPhase, string> = {
  pulling: 'pulling',
  blocked: 'blocked',
  pending: 'waits for a slot',
  starting: 'starting',
  ready: 'ready',
  'timed-out': 'timed out',
  failed: 'failed',
}

export const CAUSE_WORDS: Record<WaitingCause, string> = {
  full: 'no slot free',
  behind: 'behind a larger one',
  oversize: 'waits to be alone',
  frozen: 'frozen',
  order: 'comes after others',
  'node-lost': 'node is lost',
  'pod-unknown': 'pod not seen yet',
  'set-aside': 'tried again later',
}

/** `3 slots`, `1 slot`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${number(n)} ${n === 1 ? one : many}`
}

/** With a thin space between thousands, the same in every locale. */
export function number(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, '\u2009')
}

/** How long ago something was, or how long it has lasted. */
export function since(fromMs: number, nowMs: number): string {
  return span(nowMs - fromMs)
}

export function about(estimateMs: number | undefined): string {
  return estimateMs === undefined ? 'unknown' : `about ${span(estimateMs)}`
}

/** Where a line stands: `node worker-1`, `namespace shop on node worker-1`. */
export function scopeWords({ kind, name, node }: Pick<ScopeState, 'kind' | 'name' | 'node'>): string {
  switch (kind) {
    case 'cluster':
      return 'whole cluster'
    case 'cluster-rate':
      return 'start rate of the cluster'
    case 'namespace-rate':
      return `start rate of namespace ${name}`
    case 'namespace-on-node':
      return `namespace ${name} on node ${node ?? ''}`
    default:
      return `${kind} ${name}`
  }
}

/** `4 of 6`, `4`, `3 in 10 s`. */
export function usedWords({
  held,
  debt,
  limit,
  windowMs,
}: Pick<ScopeState, 'held' | 'debt' | 'limit' | 'windowMs'>): string {
  const used = number(held + debt)
  if (limit === undefined) return `${used}, no limit`
  return `${used} of ${number(limit)}${windowMs === undefined ? '' : ` in ${span(windowMs)}`}`
}

/** Text of others, as a container's STATUS= and a pod's words are. */
export const theirs = printable

/** What a leader counts against the limit that nobody asked for. */
export const DEBT_WORDS = 'without a slot: restarts, late starts and pods that failed open'
