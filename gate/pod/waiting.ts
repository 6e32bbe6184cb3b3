import { type GateMessage, HEARTBEAT_MS } from '../../core/lease-api.ts'
import { failOpenAtMs, MAX_ESTIMATE_MS, type Patience, reconnectDelayMs } from './patience.ts'

/** What a gate knows while it waits. Times are monotonic ms. */
export interface WaitState {
  startedMs: number
  lastContactMs: number
  estimateMs?: number | undefined
  /** What it last heard or saw, for its log and its verdict. */
  reason: string
  failures: number
  /** Where the leader is; absent: ask the Service. */
  leader?: string | undefined
  /** This gate's own throw of the dice, in [0, 1). */
  random: number
  /** Contact was waited for in vain earlier in this run, and there has been none since: one short try is enough. */
  isLost: boolean
}

/** How long that try may take: a leader answers at once, and then says something every so often. */
const TRY_MS = HEARTBEAT_MS

export type WaitEvent =
  | { kind: 'message'; message: GateMessage; nonce: string }
  /** The connection ended or could not be made. */
  | { kind: 'lost'; reason: string }

export type WaitAction =
  /** `pressureTo`: and tell the pressure on the node, at this address. */
  | { kind: 'listen'; pressureTo?: string }
  | { kind: 'connect'; afterMs: number }
  | { kind: 'exit'; verdict: 'granted' | 'failed-open'; storedMs?: number }

/** `isLost`: another gate of this run has failed open, and its pod shall not pay for the same loss of contact twice. */
export function startWaiting(nowMs: number, random: number, isLost = false): WaitState {
  const reason = 'no answer from the lease service yet'
  return { startedMs: nowMs, lastContactMs: nowMs, reason, failures: 0, random, isLost }
}

/** Of a wait that goes on in another process. */
export interface WaitedBefore {
  waitedMs: number
  /** Until the gate fails open without another word of a leader; the most that the patience allows where it is more. */
  leftMs: number
}

/** The same wait, gone on with: a restart of whoever waits for the gate must give it no new patience. */
export function goOnWaiting(state: WaitState, before: WaitedBefore, nowMs: number, patience: Patience): WaitState {
  const startedMs = nowMs - before.waitedMs
  const wholeMs = failOpenAtMs({ lastContactMs: 0, random: state.random }, patience)
  if (!Number.isFinite(wholeMs)) return { ...state, startedMs }
  const mostMs = patience.failOpenAfterMs + Math.max(MAX_ESTIMATE_MS, patience.failOpenJitterMs)
  return { ...state, startedMs, lastContactMs: nowMs + Math.min(before.leftMs, mostMs) - wholeMs }
}

/** When this gate lets its pod go if nothing more is heard. */
export function deadlineMs(state: WaitState, patience: Patience): number {
  if (!triesOnly(state, patience)) return failOpenAtMs(state, patience)
  return state.startedMs + Math.min(TRY_MS, patience.failOpenAfterMs)
}

/** A gate that fails closed has not paid for anything yet. */
function triesOnly({ isLost }: WaitState, { failOpenAfterMs }: Patience): boolean {
  return isLost && Number.isFinite(failOpenAfterMs)
}

/**
 * The gate's whole protocol: what it knows and does after an event. Total, no I/O.
 * Only words of a leader count as contact: a follower that knows no way on must not keep a pod waiting.
 */
export function step(state: WaitState, event: WaitEvent, nowMs: number, patience: Patience): [WaitState, WaitAction] {
  if (event.kind === 'lost') return afterEnd(state, event.reason, nowMs, patience)
  const { message } = event
  const inContact = { ...state, lastContactMs: nowMs, failures: 0, isLost: false }
  switch (message.kind) {
    case 'waiting': {
      const { estimateMs, reason, pressureTo } = message
      return [
        { ...inContact, estimateMs, reason },
        { kind: 'listen', ...(pressureTo !== undefined && { pressureTo }) },
      ]
    }
    case 'granted':
      if (message.nonce !== event.nonce)
        return afterLoss({ ...state, reason: 'an answer to another request' }, nowMs, patience)
      return [
        inContact,
        { kind: 'exit', verdict: 'granted', ...(message.storedMs !== undefined && { storedMs: message.storedMs }) },
      ]
    case 'retry': {
      const afterMs = Number.isFinite(message.afterMs) ? Math.max(0, message.afterMs) : 0
      // By the Service: who says so may be about to end. An absence that was agreed on is no lost contact.
      return [
        { ...inContact, lastContactMs: nowMs + afterMs, reason: message.reason, leader: undefined },
        { kind: 'connect', afterMs },
      ]
    }
    case 'leader':
      // Once told the way, go there at once; told again by the one pointed to, slow down: two replicas may disagree for
      // a moment.
      if (state.leader === undefined)
        return [
          { ...state, leader: message.address },
          { kind: 'connect', afterMs: 0 },
        ]
      return afterLoss({ ...state, leader: message.address, reason: 'the leader is changing' }, nowMs, patience)
    default:
      // A newer leader's, which a gate of today need not understand to know that it is there.
      return [inContact, { kind: 'listen' }]
  }
}

/**
 * The connection ended or could not be made. Where a try is all there is, it is over, unless a replica knew a leader a
 * moment ago.
 */
function afterEnd(state: WaitState, reason: string, nowMs: number, patience: Patience): [WaitState, WaitAction] {
  const isOver = triesOnly(state, patience) && state.leader === undefined
  const next = { ...state, reason, leader: undefined }
  if (!isOver) return afterLoss(next, nowMs, patience)
  return [
    { ...next, failures: state.failures + 1 },
    { kind: 'exit', verdict: 'failed-open' },
  ]
}

function afterLoss(state: WaitState, nowMs: number, patience: Patience): [WaitState, WaitAction] {
  const failures = state.failures + 1
  const left = deadlineMs(state, patience) - nowMs
  if (left <= 0)
    return [
      { ...state, failures },
      { kind: 'exit', verdict: 'failed-open' },
    ]
  return [
    { ...state, failures },
    { kind: 'connect', afterMs: Math.min(left, reconnectDelayMs(failures, state.random)) },
  ]
}
