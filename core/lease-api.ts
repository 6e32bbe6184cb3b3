import type { GateName } from './names.ts'

/**
 * How a gate talks to the lease service: `POST /v1/gates/<gate>` with the pod's token as bearer. The answer to a good
 * request is a stream of JSON lines that ends with `granted`, `retry` or `leader`; a line comes at least every
 * HEARTBEAT_MS, so silence means lost contact. A bad request gets 4xx and an ErrorBody.
 */
export interface GateRequest {
  /** Must be the pod in the token: a gate that asks for another pod is refused. */
  podUid: string
  /** 1 on the pod's first run, one more each time its sandbox was made anew and the init containers run again. */
  attempt: number
  /** Comes back in the grant, so that a late answer to an earlier request is not taken for this one's. */
  nonce: string
}

export type GateMessage =
  | { kind: 'waiting'; place: number; of: number; reason: string; estimateMs?: number }
  /** `lease` is the Lease that was written; absent when no slot was needed. */
  | { kind: 'granted'; nonce: string; lease?: string }
  /** Ask again after this time. */
  | { kind: 'retry'; afterMs: number; reason: string }
  /** This replica does not lead; the leader is at `address` (host:port). */
  | { kind: 'leader'; address: string; term: number }

export interface ErrorBody {
  code: string
  message: string
}

export const HEARTBEAT_MS = 5_000

export function gatePath(gate: GateName): string {
  return `/v1/gates/${gate}`
}

/** What a gate leaves in its container's termination message: gates have no API rights, so the leader reads it there. */
export interface GateVerdict {
  verdict: 'granted' | 'failed-open'
  gate: GateName
  /** As in the request: tells this run's record from one that an earlier sandbox left in the pod's status. */
  attempt?: number
  waitedMs: number
  /** For `failed-open`: what the gate last heard or saw. */
  reason?: string
}
