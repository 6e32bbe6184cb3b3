import type { ErrorBody, GateMessage, GateRequest } from './lease-api.ts'
import type { GateName } from './names.ts'
import type { NodeFigures } from './node-figures.ts'

/*
 * How gates wait through the waiter of their node. Two protocols; in both fields, words and kinds are only added, and a
 * receiver ignores what it does not know: gates, waiter and lease service may differ by one version.
 */

/**
 * Gate to waiter: plain TCP to `status.hostIP`, which never leaves the node. The gate sends one line, a GateHello as
 * JSON, and nothing more; it keeps its side open until it has its answer. The waiter's lines each begin with a word:
 *
 * - `beat SECONDS`: a sign of life, the first at once and then each WAITER_BEAT_MS. SECONDS, if any: when the gate is
 *   to fail open if it hears no more of this waiter or another.
 * - `contact`: a leader was heard, so a loss of contact earlier in this run counts no more.
 * - `log JSON`: for the gate's own log, as it stands.
 * - `go JSON`, `open JSON`: granted, or failing open. The gate writes the JSON, a GateVerdict, to its termination
 *   message and ends.
 * - `direct REASON`: this waiter will not serve the gate, which is to ask the lease service itself.
 *
 * A line from the waiter has printable ASCII only and at most MAX_DOWN_LINE bytes: a shell reads it.
 */
export interface GateHello {
  /** Of the gate. */
  version: string
  gate: GateName
  attempt: number
  podUid: string
  /** Another gate of this run has failed open (gate/pod/waiting.ts). */
  isLost: boolean
  /** As in GATE_ENV. */
  failOpenAfter: string
  failOpenJitter: string
  /** Whole seconds since the gate began. */
  waitedS: number
  /** Whole seconds until it fails open without another word of a leader; null where it never does. */
  leftS: number | null
  /** Bound to the gate's pod, for TOKEN_AUDIENCE. */
  token: string
}

/** With its line feed. A token has one to two KiB. */
export const MAX_HELLO_LINE = 8_192
/** What a pipe takes in one piece, and the kubelet as a termination message. */
export const MAX_DOWN_LINE = 4_096
/** How long the gate may take for its line. */
export const HELLO_MS = 5_000
export const WAITER_BEAT_MS = 4_000

/**
 * Waiter to lease service: `GET /v1/node` over TLS with `Upgrade: startgate-node`, the waiter's own pod-bound token as
 * bearer; refused with 4xx or 5xx and an ErrorBody. After the 101 both sides send JSON lines at any time. An upgrade
 * and no open request body, because an HTTP server wants a request's end within seconds and cannot make an exception of
 * one.
 *
 * Each gate is one `id` from its `open` to its last message (`granted`, `retry`, `leader`), its refusal or its `close`.
 * The lease service takes `podUid` and the rest for the word of that node's waiter: it serves none but pods that the
 * API shows on this node.
 */
export type NodeFrame =
  | ({ kind: 'open'; id: number; namespace: string; podName: string; gate: GateName } & GateRequest)
  | { kind: 'close'; id: number }
  /** What the kernel of the waiter's own node tells: while gates wait on this link, as often as `figuresMs` has it. */
  | { kind: 'figures'; figures: NodeFigures }

export type LinkFrame =
  | { kind: 'message'; id: number; message: GateMessage }
  | { kind: 'refused'; id: number; error: ErrorBody }
  /**
   * Each of these gates would be told the same again. At least every HEARTBEAT_MS, also when nobody waits; an id in
   * none for three heartbeats has lost its contact, though the link has not. `figuresMs`: how often to send figures, in
   * the first beat and whenever it is another; a waiter that was never told sends none, since a lease service from
   * before they were takes them for no frame.
   */
  | { kind: 'beat'; ids: number[]; figuresMs?: number }

export const NODE_PATH = '/v1/node'
export const NODE_UPGRADE = 'startgate-node'
/** A kubelet runs 110 pods unless told otherwise, and some run 500; each has one gate waiting at a time. */
export const MAX_NODE_GATES = 1_024
/** Of a frame to the lease service, with its line feed. */
export const MAX_NODE_FRAME = 4_096

/** Whether a message is the last of its gate. */
export function isLast({ kind }: GateMessage): boolean {
  return kind === 'granted' || kind === 'retry' || kind === 'leader'
}
