import { ANNOTATION_PREFIX } from '../names.ts'
import type { ElectionTimes } from './election-times.ts'
import { type Lease, microTime } from './lease.ts'

/** Annotation on the election Lease: `host:port` at which its holder serves. */
export const LEADER_ADDRESS_ANNOTATION = `${ANNOTATION_PREFIX}address`

/**
 * Annotation on the election Lease: the identity of a holder that reads the gates which stay in their pods. The webhook
 * makes none as long as it is not the present holder's.
 */
export const SIDECAR_GATES_ANNOTATION = `${ANNOTATION_PREFIX}reads-sidecar-gates`

/** One process that wants to lead. */
export interface Contender {
  namespace: string
  /** Name of the Lease. */
  name: string
  /** Unique to the process, not only to the pod: a restarted one is another contender. */
  identity: string
  address: string
  times: ElectionTimes
}

/** Times in ms of this process's monotonic clock. */
export interface ElectionState {
  /** As last read or written. */
  lease?: Lease
  /** When this process first saw the Lease's present holder, term and renewal. */
  observedAtMs: number
  /** When this process last got to read or write the Lease. */
  lookedAtMs: number
  /** When this process last saw the Lease *change*: the first observation does not show whether the holder is alive. */
  changedAtMs: number
  /** False when the Lease may have changed since: it is read before anything is written. */
  fresh: boolean
  /**
   * `renewedAtMs`: just before the last renewal that succeeded was *sent*, the earliest moment others may count from.
   */
  leading?: { term: number; renewedAtMs: number }
}

export interface Leader {
  identity: string
  address: string
  term: number
}

export type ElectionAction =
  | { kind: 'read' }
  | { kind: 'create'; lease: Lease }
  | { kind: 'replace'; lease: Lease }
  | { kind: 'wait' }

export interface Now {
  monotonicMs: number
  /** For the stamps in the Lease; nobody decides by them. */
  wallMs: number
}

const NEVER = Number.NEGATIVE_INFINITY
export const INITIAL_ELECTION: ElectionState = { observedAtMs: 0, lookedAtMs: NEVER, changedAtMs: NEVER, fresh: false }

/** Whether this process leads, by its own clock alone: true only for renewDeadline after a renewal was sent. */
export function isLeading(state: ElectionState, times: ElectionTimes, monotonicMs: number): boolean {
  return state.leading !== undefined && monotonicMs - state.leading.renewedAtMs < times.renewDeadlineMs
}

/** Begins a turn: an overdue leader stops being one, and who does not lead looks before it acts. */
export function beginTurn(state: ElectionState, times: ElectionTimes, monotonicMs: number): ElectionState {
  if (isLeading(state, times, monotonicMs)) return state
  const { leading: _, ...rest } = state
  return { ...rest, fresh: false }
}

/** What to do now. */
export function nextAction(state: ElectionState, me: Contender, now: Now): ElectionAction {
  if (!state.fresh) return { kind: 'read' }
  const { lease, leading } = state
  if (!lease) return { kind: 'create', lease: takenOver(undefined, me, now) }
  if (leading) return { kind: 'replace', lease: renewed(lease, now) }
  // Held by me but not led by me: I was overdue. Others may have seen the old term end, so it is not taken up again.
  const mine = lease.spec?.holderIdentity === me.identity
  if (mine || expiresAtMs(state, me.times) <= now.monotonicMs)
    return { kind: 'replace', lease: takenOver(lease, me, now) }
  return { kind: 'wait' }
}

/** Takes in what a read returned; `undefined` when there is no Lease. */
export function observed(
  state: ElectionState,
  lease: Lease | undefined,
  me: Contender,
  monotonicMs: number,
): ElectionState {
  const changed = record(lease) !== record(state.lease)
  const { lease: _lease, leading, ...rest } = state
  const still = leading && lease?.spec?.holderIdentity === me.identity && termOf(lease) === leading.term
  return {
    ...rest,
    fresh: true,
    lookedAtMs: monotonicMs,
    changedAtMs: changed && state.lease ? monotonicMs : state.changedAtMs,
    observedAtMs: changed ? monotonicMs : state.observedAtMs,
    ...(lease && { lease }),
    ...(still && { leading }),
  }
}

/** Takes in that a write succeeded; `lease` as the server returned it, `sentAtMs` from before it was sent. */
export function written(lease: Lease, sentAtMs: number, monotonicMs: number): ElectionState {
  const leading = { term: termOf(lease), renewedAtMs: sentAtMs }
  return { lease, fresh: true, lookedAtMs: monotonicMs, changedAtMs: monotonicMs, observedAtMs: monotonicMs, leading }
}

/** Takes in that a write failed or may have failed. A leader leads on until its deadline. */
export function writeFailed(state: ElectionState): ElectionState {
  return { ...state, fresh: false }
}

/** The Lease as a leader leaves it behind, so that the next one need not wait. */
export function released(lease: Lease, now: Now): Lease {
  return { ...lease, spec: { ...lease.spec, ...renewal(lease, now), holderIdentity: '', leaseDurationSeconds: 1 } }
}

/**
 * What a process that will not lead again knows: that it is not the leader, also while the Lease still names it. To be
 * applied to each state from then on.
 */
export function resigned({ leading: _, ...state }: ElectionState, me: Contender): ElectionState {
  const { lease } = state
  if (lease?.spec?.holderIdentity !== me.identity) return state
  return { ...state, fresh: false, lease: { ...lease, spec: { ...lease.spec, holderIdentity: '' } } }
}

/** Who leads as far as this process knows; undefined when nobody does or the holder is overdue. */
export function leaderOf(state: ElectionState, times: ElectionTimes, monotonicMs: number): Leader | undefined {
  const { lease } = state
  if (!lease?.spec?.holderIdentity || expiresAtMs(state, times) <= monotonicMs) return undefined
  const address = lease.metadata.annotations?.[LEADER_ADDRESS_ANNOTATION] ?? ''
  return { identity: lease.spec.holderIdentity, address, term: termOf(lease) }
}

/**
 * Whether there is no leader, or none that has given a sign of life lately, as far as one can tell who does see the
 * Lease: the next one is known within seconds. Whoever reaches no API server cannot tell.
 */
export function isChanging(state: ElectionState, times: ElectionTimes, monotonicMs: number): boolean {
  if (monotonicMs - state.lookedAtMs > times.retryPeriodMs + callTimeoutMs(times)) return false
  return !leaderOf(state, times, monotonicMs) || monotonicMs - state.changedAtMs > 2 * times.retryPeriodMs
}

/**
 * The timeout of one call. Two tries must fit into the deadline, or one unresponsive connection costs the leadership.
 */
export function callTimeoutMs({ renewDeadlineMs }: ElectionTimes): number {
  return Math.floor(renewDeadlineMs / 2) - 50
}

/**
 * Time to the next turn. A leader keeps the period from when it *sent* the last renewal, or slow answers would use up
 * its deadline; the others look twice in a period, not together, and just when the Lease runs out: what they see late,
 * they take over late. `random` is in [0, 1).
 */
export function turnDelayMs(state: ElectionState, times: ElectionTimes, monotonicMs: number, random: number): number {
  const { leading } = state
  if (!state.fresh) return times.retryPeriodMs / 4
  if (leading) return Math.max(0, leading.renewedAtMs + times.retryPeriodMs - monotonicMs)
  const period = times.retryPeriodMs * (0.35 + 0.1 * random)
  const untilExpiry = expiresAtMs(state, times) - monotonicMs
  return state.lease && untilExpiry > 0 ? Math.min(period, untilExpiry + 50 * random) : period
}

/** The term a Lease carries; 0 when it was never led. */
export function termOf(lease: Lease): number {
  return lease.spec?.leaseTransitions ?? 0
}

/**
 * Counted from our first observation, for the duration that the holder wrote: other replicas may be configured
 * differently.
 */
function expiresAtMs(state: ElectionState, times: ElectionTimes): number {
  const spec = state.lease?.spec
  if (!spec?.holderIdentity) return -Infinity
  const durationMs = spec.leaseDurationSeconds === undefined ? times.leaseDurationMs : spec.leaseDurationSeconds * 1000
  return state.observedAtMs + durationMs
}

/** What makes a holder's sign of life; labels and the like do not. */
function record(lease: Lease | undefined): string {
  const { holderIdentity, leaseTransitions, renewTime, acquireTime } = lease?.spec ?? {}
  return JSON.stringify([lease?.metadata.uid, holderIdentity, leaseTransitions, renewTime, acquireTime])
}

/**
 * A PUT of the same content would not be a renewal: the API server does not even store it. And a stamp that came back
 * to an earlier value would look like silence to who saw just that one. So stamps only move on, whatever the wall clock
 * does.
 */
function renewal(lease: Lease | undefined, now: Now): { renewTime: string } {
  const renewTime = microTime(now.wallMs)
  const last = lease?.spec?.renewTime
  return { renewTime: last === undefined || renewTime > last ? renewTime : nextMicrosecond(last) }
}

/**
 * `…:07.000041Z` → `…:07.000042Z`; starts over within its second after 999999, which takes a clock that stood still for
 * days.
 */
function nextMicrosecond(stamp: string): string {
  const [, whole, micros] = /^(.*\.)(\d{6})Z$/.exec(stamp) ?? []
  if (whole === undefined) return `${stamp.replace(/(\.\d*)?Z$/, '')}.000001Z`
  return `${whole}${String((Number(micros) + 1) % 1_000_000).padStart(6, '0')}Z`
}

function renewed(lease: Lease, now: Now): Lease {
  return { ...lease, spec: { ...lease.spec, ...renewal(lease, now) } }
}

function takenOver(lease: Lease | undefined, me: Contender, now: Now): Lease {
  const metadata = lease?.metadata ?? { namespace: me.namespace, name: me.name }
  return {
    ...lease,
    metadata: {
      ...metadata,
      annotations: {
        ...metadata.annotations,
        [LEADER_ADDRESS_ANNOTATION]: me.address,
        [SIDECAR_GATES_ANNOTATION]: me.identity,
      },
    },
    spec: {
      ...lease?.spec,
      ...renewal(lease, now),
      holderIdentity: me.identity,
      leaseDurationSeconds: me.times.leaseDurationMs / 1000,
      acquireTime: microTime(now.wallMs),
      leaseTransitions: (lease ? termOf(lease) : 0) + 1,
    },
  }
}
