import type { AgentReport, ContainerSight, GateVerdict } from '../../core/lease-api.ts'
import type { GateName } from '../../core/names.ts'
import type { Sequence } from '../../core/sequence.ts'
import { formatSequence } from '../../core/sequence.ts'
import { dueMs, isFinished, reportsOf, step } from '../pod/agent/sequencing.ts'
import type { Effect, Rules, SequencingEvent, SequencingState } from '../pod/agent/sequencing-state.ts'
import { resumed } from '../pod/agent/state-file.ts'
import { startWaiting, type WaitEvent, type WaitState, step as waitStep } from '../pod/waiting.ts'
import type { AgentFaults, AgentHost } from './agent-host.ts'
import { SimGate } from './gate.ts'

const WORDS = { wordSettleMs: 500, shownWordSettleMs: 20 }
const TICK_MS = 1_000

/**
 * Test support. The shell around the real sequencing of one sandbox: time, the gates' FIFOs, requests for slots, the
 * stream of reports and sights. It may crash, and then knows only what it has saved.
 */
export class SimAgent {
  readonly pod: AgentHost<SimAgent>
  readonly attempt: number
  readonly #rules: Rules
  readonly #faults: AgentFaults
  readonly #sandbox: number
  /** As it is saved. */
  readonly #sequence: string
  #state: SequencingState
  #asking = new Map<GateName, SimGate>()
  #contact: WaitState
  #isConnected = false
  #told = ''
  #tickAtMs = Number.POSITIVE_INFINITY
  #life = 1
  #isUp = true

  constructor(pod: AgentHost<SimAgent>, sequence: Sequence, attempt: number) {
    const { settleMs, startTimeoutMs, agentFaults } = pod.world
    this.pod = pod
    this.attempt = attempt
    this.#rules = { sequence, attempt, startTimeoutMs, simpleSettleMs: settleMs, ...WORDS }
    this.#faults = agentFaults
    this.#sequence = formatSequence(sequence)
    this.#sandbox = pod.sandbox
    this.#state = this.#load()
    this.#contact = this.#newContact()
    this.#begin()
  }

  get isAlive(): boolean {
    return this.#isUp && this.pod.sandbox === this.#sandbox && !this.pod.isOver
  }

  /** Questions without an answer yet. */
  get asking(): SimGate[] {
    return this.isAlive ? [...this.#asking.values()].filter(gate => gate.isWaiting) : []
  }

  /** All it knows; said at each connect. */
  reports(): AgentReport[] {
    this.#isConnected = true
    const reports = reportsOf(this.#rules, this.#state, this.pod.world.time.nowMs)
    this.#told = JSON.stringify(reports)
    this.#hear({ kind: 'message', message: { kind: 'waiting', place: 0, of: 0, reason: 'in contact' }, nonce: '' })
    return this.#faults.reportsOnce ? [] : reports
  }

  /** Word from the lease service. */
  see(containers: Record<string, ContainerSight>): void {
    if (this.isAlive) this.#take({ kind: 'sights', containers })
  }

  /** A datagram from a container; false when nobody reads. */
  notify(container: string): boolean {
    if (!this.isAlive) return false
    const { random, time } = this.pod.world
    const wallMs = time.nowMs
    const said = (fields: { state?: 'ready' | 'stopping'; extendMs?: number }): void =>
      this.#take({ kind: 'notification', container, said: fields, wallMs })
    if (random.chance(0.1)) said({ extendMs: 9_000 })
    if (random.chance(0.1)) {
      // A temporary server.
      said({ state: 'ready' })
      said({ state: 'stopping' })
    }
    said({ state: 'ready' })
    return true
  }

  /** A gate has left a mark; seen at once, or at the next look. */
  marked(kind: 'here' | 'passed', gate: GateName): void {
    this.#later(this.pod.world.random.int(1, TICK_MS), () => this.#take({ kind: `gate-${kind}`, gate }))
  }

  /** The stream has ended, or was not to be had. */
  streamLost(): void {
    if (!this.isAlive) return
    const inContact = { kind: 'waiting' as const, place: 0, of: 0, reason: 'in contact' }
    if (this.#isConnected) this.#hear({ kind: 'message', message: inContact, nonce: '' })
    this.#isConnected = false
    this.#hear({ kind: 'lost', reason: 'lost' })
    this.#later(this.pod.world.random.int(500, 3_000), () => this.pod.world.agentReady(this))
  }

  /** Its Node process dies; the containers do not know. */
  crash(): void {
    if (!this.isAlive) return
    this.#isUp = false
    this.#life += 1
    this.#tickAtMs = Number.POSITIVE_INFINITY
    for (const gate of this.#asking.values()) gate.withdraw()
    this.#asking = new Map()
    this.pod.agentGone()
    const { time, random } = this.pod.world
    time.after(random.int(100, 13_000), () => {
      this.#isUp = true
      if (!this.isAlive) return
      this.#state = this.#load()
      this.#contact = this.#newContact()
      this.#begin()
    })
  }

  #begin(): void {
    this.#isConnected = false
    this.pod.world.agentReady(this)
    for (const stage of this.#rules.sequence.stages)
      for (const kind of ['here', 'passed'] as const)
        if (this.pod.agentFile.marks.has(`${stage.gate} ${kind} ${this.attempt}`)) this.marked(kind, stage.gate)
  }

  #newContact(): WaitState {
    return startWaiting(this.pod.world.time.nowMs, this.pod.world.random.next(), this.pod.gates.isLost)
  }

  #load(): SequencingState {
    return (this.#faults.resumed ?? resumed)(this.#rules, this.pod.agentFile.saved ?? {}, this.pod.world.time.nowMs)
  }

  #hear(event: WaitEvent): void {
    const { time, patience } = this.pod.world
    const [next, action] = waitStep(this.#contact, event, time.nowMs, patience)
    this.#contact = next
    const isAlone = action.kind === 'exit'
    if (isAlone || action.kind === 'listen') this.pod.gates.isLost = isAlone
    if ((isAlone || action.kind === 'listen') && isAlone !== this.#state.isAlone) this.#take({ kind: 'alone', isAlone })
  }

  #take(event: SequencingEvent): void {
    const { nowMs } = this.pod.world.time
    const [next, effects] = (this.#faults.step ?? step)(this.#rules, this.#state, event, nowMs)
    this.#state = next
    this.pod.agentFile.saved = { attempt: this.attempt, sequence: this.#sequence, state: next }
    for (const effect of effects) this.#act(effect)
    this.#report()
    this.#planTick(nowMs)
  }

  #planTick(nowMs: number): void {
    if (isFinished(this.#rules, this.#state, nowMs)) return
    // The real one ticks each second; only where a gate may have missed the word does that matter.
    const isOpening = this.#state.stages.some(stage => stage.openedMs !== undefined && !stage.hasPassed)
    const atMs = Math.min(
      dueMs(this.#rules, this.#state, nowMs) ?? Number.POSITIVE_INFINITY,
      isOpening ? nowMs + TICK_MS : Number.POSITIVE_INFINITY,
    )
    if (!Number.isFinite(atMs) || (this.#tickAtMs > nowMs && this.#tickAtMs <= atMs)) return
    this.#tickAtMs = atMs
    this.#later(atMs - nowMs, () => this.#tickAtMs === atMs && this.#take({ kind: 'tick' }))
  }

  #report(): void {
    if (!this.#isConnected) return
    const reports = reportsOf(this.#rules, this.#state, this.pod.world.time.nowMs)
    const text = JSON.stringify(reports.map(({ extendUntilMs: _, ...report }) => report))
    if (text === this.#told) return
    this.#told = text
    this.pod.world.report(this, reports)
  }

  #act(effect: Effect): void {
    const { gate } = effect
    if (effect.kind === 'open')
      this.#later(this.pod.world.random.int(1, 50), () => this.pod.openGate(gate, effect.verdict))
    else if (effect.kind === 'ask') this.#ask(gate)
    else {
      const wait = this.#asking.get(gate)
      if (wait) this.pod.world.hungUp(wait)
      wait?.withdraw()
      this.#asking.delete(gate)
    }
  }

  #ask(gate: GateName): void {
    const { hereMs = 0 } = this.#state.stages[this.#rules.sequence.stages.findIndex(stage => stage.gate === gate)] ?? {}
    if (this.pod.world.time.nowMs - hereMs > TICK_MS) this.pod.world.note('a stage waited for what it depends on')
    const life = this.#life
    const onVerdict = (verdict: GateVerdict): void => {
      this.#asking.delete(gate)
      this.pod.gates.isLost = verdict.verdict === 'failed-open'
      if (verdict.verdict === 'granted') this.pod.gates.granted.add(gate)
      this.#take({ kind: 'verdict', gate, verdict })
    }
    const isAlive = (): boolean => this.isAlive && life === this.#life
    const { attempt, pod } = this
    this.#asking.set(
      gate,
      new SimGate({ podUid: pod.uid, gate, attempt, isLost: pod.gates.isLost, isAlive, onVerdict }, pod.world),
    )
  }

  #later(delayMs: number, act: () => void): void {
    const life = this.#life
    this.pod.world.time.after(delayMs, () => this.isAlive && life === this.#life && act())
  }
}
