import type { GateName } from './names.ts'
import type { NodeLoad, Pressure } from './pressure.ts'

/**
 * Gates, agents and lease service may differ by one version: pods that wait keep their old gates over an upgrade, and
 * newer ones over a rollback. So fields and kinds of messages are only added, never changed, and a receiver ignores a
 * field it does not know. A message of an unknown kind counts as a sign of life of the leader, so no new kind may be
 * sent by a replica that does not lead.
 *
 * How a gate talks to the lease service: `POST /v1/gates/<gate>` with the pod's token as bearer. The answer to a good
 * request is a stream of JSON lines that ends with `granted`, `retry` or `leader`. A line comes at least every
 * HEARTBEAT_MS; without one the contact is lost. A bad request gets 4xx and an ErrorBody.
 */
export interface GateRequest {
  /** Must be the pod in the token: a gate that asks for another pod is refused. */
  podUid: string
  /** 1 on the pod's first run, one more each time its sandbox was made anew and the init containers run again. */
  attempt: number
  /** Comes back in the grant, so that a late answer to an earlier request is not taken for this one's. */
  nonce: string
  /** Of the gate's program; absent: of the time before gates named it. */
  version?: string
  /** On the gate's node. */
  pressure?: Pressure
}

export type GateMessage =
  /** `pressureTo`: tell the pressure on the node once, at this address (host:port). */
  | { kind: 'waiting'; place: number; of: number; reason: string; estimateMs?: number; pressureTo?: string }
  /**
   * `lease` is the Lease that was written; absent when no slot was needed. `storedMs`: how long ago it was decided;
   * absent when this connection is newer than that.
   */
  | { kind: 'granted'; nonce: string; lease?: string; storedMs?: number }
  /** Ask again after this time. */
  | { kind: 'retry'; afterMs: number; reason: string }
  /** This replica does not lead; the leader is at `address` (host:port). */
  | { kind: 'leader'; address: string; term: number }

export interface ErrorBody {
  code: string
  message: string
}

/**
 * Code of the 429 for a pod that comes too often: what was sent was not taken in, and may be sent again after a second.
 */
export const TOO_MANY_REQUESTS = 'TOO_MANY_REQUESTS'

export const HEARTBEAT_MS = 5_000

export function gatePath(gate: GateName): string {
  return `/v1/gates/${gate}`
}

/** Where a gate that is asked to tells the pressure on its node; answered with 200 and `{}`. */
export const PRESSURE_PATH = '/v1/pressure'

export interface PressureRequest extends NodeLoad {
  podUid: string
}

/**
 * What a gate leaves in its container's termination message: gates have no API rights, so the leader reads it there.
 */
export interface GateVerdict {
  verdict: 'granted' | 'failed-open'
  gate: GateName
  /** As in the request: tells this run's record from one that an earlier sandbox left in the pod's status. */
  attempt?: number
  waitedMs: number
  /** Of that: from the decision to its answer, as the leader said. */
  storedMs?: number
  /** For `failed-open`: what the gate last heard or saw. */
  reason?: string
}

/** Where the agent of a sequenced pod says what it knows and hears of its containers: one stream a pod. */
export const AGENT_PATH = '/v1/agent'
/** Where it says what has changed since. */
export const REPORTS_PATH = '/v1/reports'

/**
 * `POST /v1/agent`: everything the agent knows, again on each connect, so that a new leader learns it. The answer is a
 * stream of AgentMessage lines, the first at once.
 */
export interface AgentRequest {
  podUid: string
  attempt: number
  nonce: string
  version?: string
  reports: AgentReport[]
}

/** `POST /v1/reports`: what is new; answered with 200 and `{}` once it is taken in. */
export interface ReportsRequest {
  podUid: string
  attempt: number
  reports: AgentReport[]
}

/** What only the agent can tell of a container. */
export interface AgentReport {
  container: string
  /** The run that is meant, where it is known: a report on an earlier run does not count. */
  containerId?: string
  /** `ready` ends the container's start slot. */
  state: 'starting' | 'ready' | 'failed'
  /** EXTEND_TIMEOUT_USEC: the start timeout ends no earlier than this from now; capped by the lease service. */
  extendUntilMs?: number
  /** STATUS= of the container, for people. */
  status?: string
  /** ERRNO= of the container. */
  errno?: number
}

/** What the pod's status says of one container. */
export interface ContainerSight {
  /** Absent while it has not been created. */
  id?: string
  state: 'waiting' | 'running' | 'terminated'
  /** Its startup probe has succeeded, or it has none and runs. */
  started: boolean
  ready: boolean
  exitCode?: number
  restartCount: number
  /** When this run started, by the node's clock, to the second: tells whether a datagram came from it. */
  startedAtMs?: number
}

export type AgentMessage =
  /** All containers of the pod's status, by name: at first and at each change. */
  | { kind: 'containers'; containers: Record<string, ContainerSight> }
  | { kind: 'heartbeat' }
  | { kind: 'retry'; afterMs: number; reason: string }
  | { kind: 'leader'; address: string; term: number }
