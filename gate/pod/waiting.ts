import type { GateMessage } from '../../core/lease-api.ts'
import { failOpenAtMs, type Patience, reconnectDelayMs } from './patience.ts'

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
}

export type WaitEvent =
  | { kind: 'message'; message: GateMessage; nonce: string }
  /** The connection ended or could not be made. */
  | { kind: 'lost'; reason: string }

export type WaitAction =
  /** `pressureTo`: and tell the pressure on the node, at this address. */
  | { kind: 'listen'; pressureTo?: string }
  | { kind: 'connect'; afterMs: number }
  | { kind: 'exit'; verdict: 'granted' | 'failed-open' }

export function startWaiting(nowMs: number, random: number): WaitState {
  return { startedMs: nowMs, lastContactMs: nowMs, reason: 'no answer from the lease service yet', failures: 0, random }
}

/** When this gate lets its pod go if nothing more is heard. */
export function deadlineMs(state: WaitState, patience: Patience): number {
  return failOpenAtMs(state, patience)
}

/**
 * The gate's whole protocol: what it knows and does after an event. Total, no I/O.
 * Only words of a leader count as contact: a follower that knows no way on must not keep a pod waiting.
 */
export function step(state: WaitState, event: WaitEvent, nowMs: number, patience: Patience): [WaitState, WaitAction] {
  if (event.kind === 'lost') return afterLoss({ ...state, reason: event.reason, leader: undefined }, nowMs, patience)
  const { message } = event
  switch (message.kind) {
    case 'waiting': {
      const { estimateMs, reason, pressureTo } = message
      return [
        { ...state, lastContactMs: nowMs, failures: 0, estimateMs, reason },
        { kind: 'listen', ...(pressureTo !== undefined && { pressureTo }) },
      ]
    }
    case 'granted':
      if (message.nonce !== event.nonce)
        return afterLoss({ ...state, reason: 'an answer to another request' }, nowMs, patience)
      return [
        { ...state, lastContactMs: nowMs },
        { kind: 'exit', verdict: 'granted' },
      ]
    case 'retry':
      // By the Service: who says so may be about to end. An absence that was agreed on is no lost contact.
      return [
        {
          ...state,
          lastContactMs: nowMs + Math.max(0, message.afterMs),
          failures: 0,
          reason: message.reason,
          leader: undefined,
        },
        { kind: 'connect', afterMs: Math.max(0, message.afterMs) },
      ]
    case 'leader':
      // Once told the way, go there at once; told again by the one pointed to, slow down: two replicas may disagree for a moment.
      if (state.leader === undefined)
        return [
          { ...state, leader: message.address },
          { kind: 'connect', afterMs: 0 },
        ]
      return afterLoss({ ...state, leader: message.address, reason: 'the leader is changing' }, nowMs, patience)
    default:
      return afterLoss({ ...state, reason: 'an answer of an unknown kind' }, nowMs, patience)
  }
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
