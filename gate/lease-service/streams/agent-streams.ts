import type { AgentMessage, ContainerSight } from '../../../core/lease-api.ts'
import type { AgentStream } from '../model/stream.ts'
import { OpenStreams } from './open-streams.ts'
import { MAX_AGENT_STREAMS } from './reconnect-policy.ts'

interface Kept {
  attempt: number
  /** What was sent last, as text, so that an agent is sent changes only. */
  told: string
}

/** The open answers to agents, one a pod. Time comes in as monotonic ms. */
export class AgentStreams {
  readonly #open = new OpenStreams<AgentMessage, AgentStream, Kept>('agent')

  get size(): number {
    return this.#open.size
  }

  /** Takes over for a pod; an earlier stream is dead or doubled, and ends. */
  open(podUid: string, attempt: number, stream: AgentStream): void {
    this.#open.open(podUid, stream, { attempt, told: '' })
  }

  /**
   * Ends the stream that has been open longest, so that all agents get their turn. `awayMs`: how long it is to be away.
   */
  makeRoom(awayMs: (podUid: string) => number): void {
    const [oldest] = this.#open.entries()
    if (!oldest) return
    const [podUid] = oldest
    const reason = `${MAX_AGENT_STREAMS} agents are connected, as many as there may be`
    this.#open.end(podUid, () => ({ kind: 'retry', afterMs: awayMs(podUid), reason }))
  }

  /** Forgets a stream that broke; false when another has taken over meanwhile. */
  close(podUid: string, stream: AgentStream): boolean {
    return this.#open.close(podUid, stream)
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
    this.#open.send(open, { kind: 'containers', containers }, nowMs)
  }

  /** To be called about once a second. */
  beat(nowMs: number): void {
    for (const [, open] of this.#open.entries())
      if (this.#open.isDue(open, nowMs)) this.#open.send(open, { kind: 'heartbeat' }, nowMs)
  }

  /** The pod is gone, and its agent with it. */
  removePod(podUid: string): void {
    this.#open.forget(podUid)
  }

  /** Ends all, each with what `message` makes of it. */
  endAll(message: () => AgentMessage): void {
    this.#open.endAll(message)
  }
}
