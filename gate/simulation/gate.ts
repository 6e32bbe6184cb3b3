import type { GateMessage, GateVerdict } from '../../core/lease-api.ts'
import type { GateName } from '../../core/names.ts'
import type { Patience } from '../pod/patience.ts'
import { startWaiting, type step, type WaitAction, type WaitEvent, type WaitState } from '../pod/waiting.ts'
import type { Random, Timeline } from './timeline.ts'

export interface GateWorld {
  time: Timeline
  random: Random
  patience: Patience
  /** A request of this gate is on its way. */
  gateReady: (gate: SimGate) => void
  /** A gate is asked what the pressure on its node is. */
  pressureAsked: (gate: SimGate) => void
  violated: (violation: string) => void
  waitStep: typeof step
}

/** As gate/pod has it. */
const SILENCE_MS = 15_000

/** Whose wait it is. */
export interface GateOwner {
  podUid: string
  gate: GateName
  attempt: number
  /** A gate of this run has failed open. */
  isLost: boolean
  isAlive: () => boolean
  onVerdict: (verdict: GateVerdict) => void
}

/**
 * Test support. One run of a gate, or the agent's on its behalf: the shell around the real step function of a wait,
 * with a connection that breaks, falls silent or brings an answer meant for an earlier request.
 */
export class SimGate {
  readonly gate: GateName
  readonly attempt: number
  readonly podUid: string
  /** Of the request that is open. */
  nonce = ''
  readonly #owner: GateOwner
  readonly #world: GateWorld
  #state: WaitState
  #requests = 0
  #isOver = false
  #isGranted = false
  /** By what truly happened, not by what the step function made of it. */
  #lastContactMs: number
  #hadContact = false
  /** By the request that is open. */
  #heardMs = 0

  constructor(owner: GateOwner, world: GateWorld) {
    this.gate = owner.gate
    this.attempt = owner.attempt
    this.podUid = owner.podUid
    this.#owner = owner
    this.#world = world
    this.#state = startWaiting(world.time.nowMs, world.random.next(), owner.isLost)
    this.#lastContactMs = world.time.nowMs
    this.#ask(0)
  }

  get isWaiting(): boolean {
    return !this.#isOver && this.#owner.isAlive()
  }

  /** It knows where the leader is, so it does not ask a follower. */
  get isDirected(): boolean {
    return this.#state.leader !== undefined
  }

  /** Nobody wants the answer any more. */
  withdraw(): void {
    this.#isOver = true
  }

  /** A line of the answer to request `nonce`; returns whether the gate let its pod go by it. */
  hear(message: GateMessage, nonce: string): boolean {
    if (!this.isWaiting || nonce !== this.nonce) return false
    if (message.kind === 'waiting' || message.kind === 'retry') this.#heard()
    this.#expectWord(nonce)
    const isStale = message.kind === 'granted' && message.nonce !== nonce
    this.#take({ kind: 'message', message, nonce })
    if (isStale && this.#isGranted) this.#world.violated(`StaleAnswer: ${this.gate} of ${this.podUid} took it`)
    return this.#isGranted
  }

  /** The connection of request `nonce` ended, or was never made. */
  lost(reason: string, nonce = this.nonce): void {
    if (!this.isWaiting || nonce !== this.nonce) return
    this.#take({ kind: 'lost', reason })
  }

  #heard(): void {
    this.#lastContactMs = this.#world.time.nowMs
    this.#hadContact = true
  }

  /** What connects says something every few seconds; who does not is gone. */
  #expectWord(nonce: string): void {
    const { time } = this.#world
    const heardMs = time.nowMs
    this.#heardMs = heardMs
    time.after(SILENCE_MS, () => this.#heardMs === heardMs && this.lost('silence', nonce))
  }

  #take(event: WaitEvent): void {
    const { time, patience, waitStep } = this.#world
    const [next, action] = waitStep(this.#state, event, time.nowMs, patience)
    this.#state = next
    this.#act(action)
  }

  #act(action: WaitAction): void {
    if (action.kind === 'listen') {
      if (action.pressureTo !== undefined) this.#world.pressureAsked(this)
      return
    }
    if (action.kind === 'connect') {
      this.#ask(action.afterMs)
      return
    }
    this.#isOver = true
    this.#isGranted = action.verdict === 'granted'
    const { gate, attempt } = this
    const waitedMs = this.#world.time.nowMs - this.#state.startedMs
    if (action.verdict === 'failed-open') this.#checkPatience()
    this.#owner.onVerdict({ verdict: action.verdict, gate, attempt, waitedMs })
  }

  #ask(afterMs: number): void {
    this.#requests += 1
    const nonce = `${this.podUid} ${this.gate} ${this.attempt} ${this.#requests}`
    this.nonce = nonce
    this.#world.time.after(afterMs, () => {
      if (!this.isWaiting || this.nonce !== nonce) return
      this.#expectWord(nonce)
      this.#world.gateReady(this)
    })
  }

  #checkPatience(): void {
    const { time, patience, violated } = this.#world
    // The pod has paid for this loss of contact already.
    if (this.#owner.isLost && !this.#hadContact) return
    if (time.nowMs - this.#lastContactMs < patience.failOpenAfterMs)
      violated(`BrokeLoose: ${this.gate} of ${this.podUid} failed open in contact`)
  }
}
