import { type AgentMessage, type ContainerSight, HEARTBEAT_MS } from '../../../core/lease-api.ts'
import type { AgentStream } from '../model/stream.ts'

interface Open {
  stream: AgentStream
  attempt: number
  /** What was sent last, as text, so that an agent is sent changes only. */
  told: string
  sentAtMs: number
}

/** The open answers to agents, one a pod. Time comes in as monotonic ms. */
export class AgentStreams {
  readonly #open = new Map<string, Open>()

  get size(): number {
    return this.#open.size
  }

  /** Takes over for a pod; an earlier stream is dead or doubled, and ends. */
  open(podUid: string, attempt: number, stream: AgentStream): void {
    this.#open
      .get(podUid)
      ?.stream.end({ kind: 'retry', afterMs: 1_000, reason: 'another connection of this agent took over' })
    // Last in the Map's order: it has come last.
    this.#open.delete(podUid)
    this.#open.set(podUid, { stream, attempt, told: '', sentAtMs: Number.NEGATIVE_INFINITY })
  }

  /**
   * Ends the stream that has been open longest, so that all agents get their turn. `awayMs`: how long it is to be away.
   */
  makeRoom(awayMs: (podUid: string) => number): void {
    const [oldest] = this.#open
    if (!oldest) return
    const [podUid, { stream }] = oldest
    this.#open.delete(podUid)
    stream.end({ kind: 'retry', afterMs: awayMs(podUid), reason: 'as many agents are connected as there may be' })
  }

  /** Forgets a stream that broke; false when another has taken over meanwhile. */
  close(podUid: string, stream: AgentStream): boolean {
    return this.#open.get(podUid)?.stream === stream && this.#open.delete(podUid)
  }

  /** The run that a pod's agent speaks for; undefined when none is connected. */
  attemptOf(podUid: string): number | undefined {
    return this.#open.get(podUid)?.attempt
  }

  tell(podUid: string, containers: Record<string, ContainerSight>, nowMs: number): void {
    const open = this.#open.get(podUid)
    const told = JSON.stringify(containers)
    if (!open || open.told === told) return
    open.told = told
    open.sentAtMs = nowMs
    open.stream.send({ kind: 'containers', containers })
  }

  /** To be called about once a second. */
  beat(nowMs: number): void {
    for (const open of this.#open.values()) {
      if (nowMs - open.sentAtMs < HEARTBEAT_MS) continue
      open.sentAtMs = nowMs
      open.stream.send({ kind: 'heartbeat' })
    }
  }

  /** The pod is gone, and its agent with it. */
  removePod(podUid: string): void {
    this.#open.delete(podUid)
  }

  /** Ends all, each with what `message` makes of it. */
  endAll(message: () => AgentMessage): void {
    for (const { stream } of this.#open.values()) stream.end(message())
    this.#open.clear()
  }
}
