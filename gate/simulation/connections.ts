import type { AgentMessage, GateMessage } from '../../core/lease-api.ts'
import type { Replica } from '../lease-service/leader/replica.ts'
import type { PodIdentity } from '../lease-service/model/refusal.ts'
import type { AgentStream, Stream } from '../lease-service/model/stream.ts'
import { ticketOf } from '../lease-service/pods/ticket-from-pod.ts'
import type { SimAgent } from './agent.ts'
import type { SimGate } from './gate.ts'
import type { SimPod } from './pod.ts'
import type { SimProcess } from './process.ts'
import type { Situations } from './situations.ts'
import type { Random, Timeline } from './timeline.ts'

export interface ConnectionsDeps {
  time: Timeline
  random: Random
  situations: Situations
  process: SimProcess
  service: Replica
  /** A gate let its pod go by the answer that it got. */
  onGranted: (key: string, pod: SimPod) => void
}

interface Connection {
  isOpen: boolean
  hangUp: () => void
}

/** On the way to a gate or an agent. */
const LATENCY_MS = 5

/** Test support. The open answers of one replica: what is said takes its way, and an answer may get lost. */
export class SimConnections {
  readonly gates = new Map<SimGate, Connection>()
  readonly agents = new Map<SimAgent, Connection & { sinceMs: number }>()
  readonly #deps: ConnectionsDeps

  constructor(deps: ConnectionsDeps) {
    this.#deps = deps
  }

  connect(pod: SimPod, gate: SimGate): void {
    const { process, service, time } = this.#deps
    const { nonce } = gate
    const connection: Connection = { isOpen: true, hangUp: () => undefined }
    const stream: Stream = {
      nonce,
      isOpen: () => connection.isOpen,
      send: message => void (connection.isOpen && time.after(LATENCY_MS, () => gate.hear(message, nonce))),
      end: message => {
        if (!connection.isOpen) return
        this.#close(this.gates, gate, connection)
        time.after(LATENCY_MS, () => this.#last(message, { pod, gate, nonce }))
      },
    }
    this.gates.set(gate, connection)
    const { podUid, attempt } = gate
    const request = { podUid, attempt, nonce }
    process.do(() => {
      service.connect(identityOf(pod), gate.gate, request, stream).then(
        hangUp => {
          connection.hangUp = hangUp
          if (!connection.isOpen) hangUp()
        },
        () => {
          this.#close(this.gates, gate, connection)
          time.after(LATENCY_MS, () => gate.lost('refused', nonce))
        },
      )
    })
  }

  connectAgent(agent: SimAgent): void {
    const { process, service, time } = this.#deps
    // One at a time.
    this.hangUpAgent(agent)
    const connection = { isOpen: true, hangUp: () => {}, sinceMs: time.nowMs }
    const stream: AgentStream = {
      isOpen: () => connection.isOpen,
      send: message => void time.after(20, () => connection.isOpen && hear(agent, message)),
      end: message => {
        if (!connection.isOpen) return
        this.#close(this.agents, agent, connection)
        time.after(20, () => {
          hear(agent, message)
          agent.streamLost()
        })
      },
    }
    this.agents.set(agent, connection)
    const { attempt, pod } = agent
    const request = { podUid: pod.uid, attempt, nonce: '', reports: agent.reports() }
    process.do(() => {
      service.connectAgent(identityOf(pod), request, stream).then(
        hangUp => {
          connection.hangUp = hangUp
          if (!connection.isOpen) hangUp()
        },
        () => {
          this.#close(this.agents, agent, connection)
          time.after(20, () => agent.streamLost())
        },
      )
    })
  }

  /** Since when the agent of a pod has been connected. */
  agentSinceMs(podUid: string): number | undefined {
    for (const [agent, { sinceMs }] of this.agents) if (agent.pod.uid === podUid) return sinceMs
    return undefined
  }

  hangUp(gate: SimGate): void {
    const connection = this.gates.get(gate)
    if (connection) this.#close(this.gates, gate, connection)
  }

  hangUpAgent(agent: SimAgent): void {
    const connection = this.agents.get(agent)
    if (connection) this.#close(this.agents, agent, connection)
  }

  #close<K>(open: Map<K, Connection>, key: K, connection: Connection): void {
    if (open.get(key) === connection) open.delete(key)
    connection.isOpen = false
    this.#deps.process.do(() => connection.hangUp())
  }

  #last(message: GateMessage, { pod, gate, nonce }: { pod: SimPod; gate: SimGate; nonce: string }): void {
    const { random, situations, time, onGranted } = this.#deps
    if (message.kind !== 'granted') {
      gate.hear(message, nonce)
      return
    }
    if (random.chance(0.03)) {
      situations.note('an answer to an earlier request came')
      gate.hear({ kind: 'granted', nonce: 'earlier' }, nonce)
    } else if (!random.chance(0.05) && gate.hear(message, nonce)) onGranted(keyOf(pod, gate), pod)
    else {
      situations.note('an answer was lost')
      // The gate finds out and asks again.
      time.after(random.int(500, 3_000), () => gate.lost('no answer', nonce))
    }
  }
}

/** Of its ticket. */
function keyOf({ base }: SimPod, gate: SimGate): string {
  const ticket = ticketOf(base, gate)
  return 'refused' in ticket ? '' : ticket.key
}

export function identityOf({ base, uid }: { base: SimPod['base']; uid: string }): PodIdentity {
  const { namespace = '', name = '' } = base.metadata
  return { namespace, podName: name, podUid: uid }
}

function hear(agent: SimAgent, message: AgentMessage): void {
  if (message.kind === 'containers') agent.see(message.containers)
}
