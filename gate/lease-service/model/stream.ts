import type { AgentMessage, GateMessage } from '../../../core/lease-api.ts'

/** One gate's open answer. */
export interface Stream {
  nonce: string
  /** It costs no connection of its own: it is one of many on the link of a node's waiter. */
  isShared?: boolean
  /** False once the gate has hung up. */
  isOpen(): boolean
  send(message: GateMessage): void
  /** Sends a last message and ends. */
  end(message: GateMessage): void
}

/** One agent's open answer. */
export interface AgentStream {
  /** False once the agent has hung up. */
  isOpen(): boolean
  send(message: AgentMessage): void
  /** Sends a last message and ends. */
  end(message: AgentMessage): void
}

/** What both gates and agents are told when nobody serves them here. */
export type Directions = Extract<GateMessage, { kind: 'leader' | 'retry' }>
