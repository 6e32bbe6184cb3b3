import type { AgentReport, GateVerdict } from '../../core/lease-api.ts'
import type { GateName } from '../../core/names.ts'
import type { Pod } from '../../core/pod.ts'
import type { step } from '../pod/agent/sequencing.ts'
import type { resumed } from '../pod/agent/state-file.ts'
import type { GateWorld, SimGate } from './gate.ts'
import type { SandboxGates } from './sandbox-gates.ts'
import type { Situation } from './situations.ts'

/** What of an agent may be replaced by something faulty that the checks must find. */
export interface AgentFaults {
  step?: typeof step
  resumed?: typeof resumed
  /** Says what it knows once, and not again on a new connection. */
  reportsOnce?: boolean
}

/** What an agent keeps in the shared emptyDir: it outlives the agent and the sandbox. */
export interface AgentFile {
  saved?: Parameters<typeof resumed>[1]
  /** Left by gates beside their FIFOs. */
  marks: Set<string>
}

/**
 * What an agent asks of the world around its pod. `Agent` is a parameter because the class of agents imports this file,
 * and imports go one way.
 */
export interface AgentWorld<Agent> extends GateWorld {
  settleMs: number
  startTimeoutMs: number
  /** A request was given up by its own side. */
  hungUp: (gate: SimGate) => void
  /** An agent wants its stream. */
  agentReady: (agent: Agent) => void
  report: (agent: Agent, reports: AgentReport[]) => void
  agentFaults: AgentFaults
  note: (situation: Situation) => void
}

/** The pod that an agent is in. */
export interface AgentHost<Agent> {
  readonly uid: string
  /** Number of the sandbox. */
  readonly sandbox: number
  readonly isOver: boolean
  readonly agentFile: AgentFile
  readonly gates: SandboxGates
  readonly base: Pod
  readonly world: AgentWorld<Agent>
  openGate(gate: GateName, verdict: GateVerdict): void
  agentGone(): void
}
