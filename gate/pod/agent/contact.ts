import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../../core/clock.ts'
import {
  AGENT_PATH,
  type AgentMessage,
  type AgentReport,
  type ContainerSight,
  type GateMessage,
  REPORTS_PATH,
  TOO_MANY_REQUESTS,
} from '../../../core/lease-api.ts'
import { VERSION } from '../../../core/version.ts'
import type { LeaseConfig } from '../config.ts'
import { ANSWER_ENDED, type LeasePost } from '../lease-client.ts'
import { reconnectDelayMs } from '../patience.ts'
import { startWaiting, step, type WaitAction, type WaitEvent } from '../waiting.ts'

export interface ContactDeps {
  config: LeaseConfig
  attempt: number
  /** A gate of this run has failed open. */
  isLost: boolean
  post: LeasePost
  clock: Clock
  /** In [0, 1). */
  random: () => number
  newNonce: () => string
  /** All there is to report now. */
  reports: () => AgentReport[]
  onSights: (containers: Record<string, ContainerSight>) => void
  onAlone: (isAlone: boolean, reason: string) => void
}

/** Between two reports, so that a container that talks a lot does not make the agent do so. */
const REPORT_GAP_MS = 200
/** After a report that came too soon after others: the leader is there, and the stream goes on. */
const TOO_MANY_PAUSE_MS = 1_000

/** The pod's one stream to the leader, and the reports beside it. */
export class Contact {
  readonly #deps: ContactDeps
  /** The leader that has answered, as long as its stream is open. */
  #leader: { address: string; aborter: AbortController } | undefined
  #delivered: string | undefined
  #isSending = false
  #isClosed = false

  constructor(deps: ContactDeps) {
    this.#deps = deps
  }

  /** Whether the leader knows all there is to report. */
  isDelivered(): boolean {
    return this.#leader !== undefined && this.#delivered === this.#version()
  }

  /** Sends what is new, if there is a leader; a new stream carries all of it anyway. Never rejects. */
  async report(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    while (this.#leader && !this.isDelivered()) {
      const { address, aborter } = this.#leader
      const version = this.#version()
      const outcome = await this.#send(address, aborter.signal)
      if (outcome === 'taken') this.#delivered = version
      else if (outcome === 'lost') aborter.abort()
      else await sleep(TOO_MANY_PAUSE_MS)
      if (this.#leader?.aborter.signal.aborted) break
      await sleep(REPORT_GAP_MS)
    }
    this.#isSending = false
  }

  /** Keeps the stream open until `close`; connects again whenever it ends. */
  async run(): Promise<void> {
    const { config, clock, onAlone } = this.#deps
    const random = this.#deps.random()
    let state = startWaiting(clock.monotonicMs(), random, this.#deps.isLost)
    const feed = (event: WaitEvent): WaitAction => {
      const [next, action] = step(state, event, clock.monotonicMs(), config)
      state = next
      if (action.kind === 'exit') onAlone(true, state.reason)
      if (action.kind === 'listen') onAlone(false, state.reason)
      return action
    }
    while (!this.#isClosed) {
      const action = await this.#listen(state.leader ?? config.address, feed)
      const pauseMs = action.kind === 'connect' ? action.afterMs : reconnectDelayMs(state.failures, random)
      if (pauseMs > 0 && !this.#isClosed) await sleep(pauseMs)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#leader?.aborter.abort()
  }

  /** One stream, from its request to its end; returns what to do next. */
  async #listen(address: string, feed: (event: WaitEvent) => WaitAction): Promise<WaitAction> {
    const { config, attempt, post, newNonce, reports, onSights } = this.#deps
    const aborter = new AbortController()
    const nonce = newNonce()
    const version = this.#version()
    let decided: WaitAction | undefined
    const onValue = (value: unknown): void => {
      const message = value as AgentMessage
      if (decided) return
      const action = feed({ kind: 'message', nonce, message: asGateMessage(message) })
      if (action.kind !== 'listen') {
        decided = action
        aborter.abort()
        return
      }
      if (!this.#leader) {
        this.#leader = { address, aborter }
        this.#delivered = version
      }
      if (message.kind === 'containers') onSights(message.containers)
      void this.report()
    }
    const body = { podUid: config.podUid, attempt, nonce, version: VERSION, reports: reports() }
    const reason = await post({ address, path: AGENT_PATH, body, signal: aborter.signal, onValue })
    this.#leader = undefined
    return decided ?? feed({ kind: 'lost', reason })
  }

  async #send(address: string, signal: AbortSignal): Promise<'taken' | 'too many' | 'lost'> {
    const { config, attempt, post, reports } = this.#deps
    const body = { podUid: config.podUid, attempt, reports: reports() }
    let isTaken = true
    // A replica that leads no more may say so with status 200.
    const onValue = (value: unknown) => {
      isTaken = !(typeof value === 'object' && value !== null && 'kind' in value)
    }
    const end = await post({ address, path: REPORTS_PATH, body, signal, onValue })
    if (end.startsWith(`${TOO_MANY_REQUESTS}:`)) return 'too many'
    return end === ANSWER_ENDED && isTaken ? 'taken' : 'lost'
  }

  /** Equal as long as the reports say the same; what runs down with time is taken by its end. */
  #version(): string {
    const nowMs = this.#deps.clock.monotonicMs()
    return JSON.stringify(
      this.#deps.reports().map(({ extendUntilMs, ...report }) => ({
        ...report,
        ...(extendUntilMs !== undefined && { untilSecond: Math.round((nowMs + extendUntilMs) / 1000) }),
      })),
    )
  }
}

/** What counts for a gate's contact counts for the agent's: words of a leader. */
function asGateMessage(message: AgentMessage): GateMessage {
  if (message.kind === 'containers' || message.kind === 'heartbeat')
    return { kind: 'waiting', place: 0, of: 0, reason: 'in contact' }
  return message
}
