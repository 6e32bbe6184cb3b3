import type { NamespaceSettings } from '../../core/annotations.ts'
import type { AgentReport } from '../../core/lease-api.ts'
import type { Node, Pod } from '../../core/pod.ts'
import type { Ledger } from '../lease-service/ledger/ledger.ts'
import { RETURN_MS } from '../lease-service/ledger/reconnect-reservations.ts'
import type { Step } from '../lease-service/ledger/step.ts'
import type { NodePressures } from '../lease-service/limits/node-pressure.ts'
import {
  type Grant,
  isFree,
  type Resource,
  type SlotTimeout,
  type Ticket,
  type Waiting,
} from '../lease-service/model/grant.ts'
import { containersSeen } from '../lease-service/pods/container-observation.ts'
import { imageKeyOf } from '../lease-service/pods/image-key.ts'
import { sequenceOf } from '../lease-service/pods/pod-sequence.ts'
import { ticketOf } from '../lease-service/pods/ticket-from-pod.ts'
import type { SimAgent } from './agent.ts'
import type { Checker } from './checker.ts'
import { isMaybeOverdue, TurnCheck } from './fairness.ts'
import type { SimGate } from './gate.ts'
import type { SimLeases } from './leases.ts'
import type { SimPod } from './pod.ts'
import { PressureTalk } from './pressure.ts'
import { Unheard } from './returns.ts'
import type { Situations } from './situations.ts'
import type { SimStarted } from './started.ts'
import type { Random, Timeline } from './timeline.ts'
import type { LimitTruth } from './truth.ts'
import { SimWriter } from './writer.ts'

export interface LeaderDeps {
  time: Timeline
  random: Random
  checker: Checker
  limits: LimitTruth
  situations: Situations
  ledger: Ledger
  started: SimStarted
  /** What the ledger knows of pressure. */
  pressures: NodePressures
  pressureRandom: Random
  term: number
  /** How much the leader's clock is off those of the nodes. */
  skewMs: () => number
  /** A quorum read of the election Lease. */
  isOurs: () => boolean
  /** The term is over. */
  onTermLost: () => void
  leases: SimLeases
  podOf: (uid: string) => SimPod | undefined
  /** The fault that a checker must find: gates hear of a grant before it is durable. */
  answersEarly: boolean
  /** The fault: a woken leader believes that it still leads. */
  skipsTerm: boolean
}

/** Until all is long over. */
const RECONCILIATIONS = 40

interface Stream {
  pod: SimPod
  gate: SimGate
  nonce: string
}

/**
 * Test support. A model of the shell around the ledger: streams, Leases written after some time or not at all, answers that get
 * lost, and a crash at any moment.
 */
export class SimLeader {
  readonly #deps: LeaderDeps
  readonly #streams = new Map<string, Stream>()
  readonly #asked = new Map<string, Ticket>()
  readonly #unheard = new Unheard()
  readonly #writer: SimWriter
  readonly #pressureTalk: PressureTalk
  readonly #shown = new Map<string, Pod>()
  readonly #agents = new Map<string, { agent: SimAgent; sinceMs: number; told: string }>()
  /** A loaded leader decides seldom, on all that has happened meanwhile. */
  readonly #restMs: number
  /** A ticket that went for overdue then stays the first until it is granted. */
  #wasSkewed = false
  #returnsUntilMs = 0
  #isOver = false
  #isPlanned = false
  /** While it is paused: what waits to be done. */
  #held: (() => void)[] | undefined

  constructor(deps: LeaderDeps) {
    this.#deps = deps
    this.#restMs = deps.random.pick([30, 250])
    this.#pressureTalk = new PressureTalk({
      ...deps,
      random: deps.pressureRandom,
      onTold: (nodeName, percent) => {
        if (deps.isOurs()) deps.checker.pressures.told(nodeName, percent, deps.time.nowMs)
      },
    })
    this.#writer = new SimWriter({
      ...deps,
      isOurs: () => deps.skipsTerm || deps.isOurs(),
      later: (fromMs, toMs, act) => this.#later(fromMs, toMs, act),
      onDurable: grant => this.#durable(grant),
      onFailed: grant => {
        deps.ledger.failed(grant, { kind: 'trouble', reason: 'a write failed' }, deps.time.nowMs)
        this.#revoke(grant.key)
      },
      onTermLost: () => {
        this.#isOver = true
        deps.onTermLost()
      },
    })
  }

  /** A takeover: all facts by list, then all Leases. */
  begin(facts: { nodes: Node[]; namespaces: Map<string, NamespaceSettings>; pods: Pod[] }): void {
    const { ledger, leases, time, term, checker, podOf } = this.#deps
    checker.tookOver(leases.byKey)
    checker.rates.tookOver(time.nowMs)
    checker.pressures.tookOver()
    for (const node of facts.nodes) ledger.upsertNode(node)
    for (const [name, settings] of facts.namespaces) ledger.setNamespace(name, settings)
    for (const pod of facts.pods) this.podChanged(pod, true)
    for (const stored of leases.byKey.values()) {
      const grant = stored.term > term ? { ...stored, term } : stored
      leases.byKey.set(grant.key, grant)
      this.#writer.adopt(grant)
      ledger.adopt(grant, time.nowMs)
      const pod = podOf(grant.podUid)
      if (pod) checker.adopted(grant, pod, time.nowMs)
      if (!this.#shown.has(grant.podUid)) ledger.removePod(grant.podUid)
      else this.#later(5, 50, () => this.#read(grant.podUid))
    }
    this.#returnsUntilMs = time.nowMs + RETURN_MS
    ledger.expectReturns(this.#returnsUntilMs)
    const granted = new Set([...leases.byKey.values()].map(({ podUid }) => podUid))
    const firstRuns = facts.pods.filter(({ metadata }) => podOf(metadata.uid ?? '')?.sandbox === 1)
    this.#unheard.tookOver(firstRuns, podUid => granted.has(podUid), time.nowMs)
    this.plan()
    this.#reconcile(RECONCILIATIONS)
  }

  /** What nobody counts is deleted, what somebody deleted is no longer counted. */
  #reconcile(times: number): void {
    if (times === 0) return
    this.#later(30_000, 30_000, () => {
      const { leases, ledger, isOurs } = this.#deps
      for (const stored of leases.byKey.values())
        if (!leases.isDown && isOurs() && !this.#writer.knows(stored.key) && !ledger.grantOf(stored.key))
          leases.remove(stored)
      if (!leases.isDown)
        for (const key of this.#writer.forgetDeleted()) {
          ledger.revoke(key)
          this.plan()
        }
      this.#reconcile(times - 1)
    })
  }

  podChanged(pod: Pod, isFirstSight = false): void {
    const { isOurs, podOf, skewMs } = this.#deps
    if (isOurs()) podOf(pod.metadata.uid ?? '')?.showed(pod, isFirstSight && skewMs() !== 0)
    this.#shown.set(pod.metadata.uid ?? '', pod)
    const { ledger, started, time } = this.#deps
    const at = { nowMs: time.nowMs, wallMs: time.nowMs + skewMs() }
    if (isFirstSight) started.list(ledger, pod, at)
    else started.show(ledger, pod, at)
    this.#unheard.podChanged(pod)
    this.#tellAgent(pod.metadata.uid ?? '')
    this.plan()
  }

  /** A watch that was broken lists anew. */
  listed(pods: ReadonlyMap<string, Pod>): void {
    for (const pod of pods.values()) this.podChanged(pod)
    for (const uid of this.#shown.keys()) if (!pods.has(uid)) this.podGone(uid)
  }

  podGone(uid: string): void {
    this.#shown.delete(uid)
    this.#unheard.remove(uid)
    this.#deps.started.gone(uid)
    this.#deps.ledger.removePod(uid)
    this.plan()
  }

  /** Of a pod past starting the ledger knows nothing: before somebody comes for it, it is read. */
  #read(uid: string): void {
    const pod = this.#shown.get(uid)
    if (!pod) return
    this.#deps.started.read(this.#deps.ledger, pod, this.#deps.time.nowMs)
    this.plan()
  }

  /** False when the agent has to come again. */
  connectAgent(agent: SimAgent): boolean {
    const { uid } = agent.pod
    if (!this.#shown.has(uid)) return false
    this.report(agent, agent.reports())
    this.#agents.set(uid, { agent, sinceMs: this.#deps.time.nowMs, told: '' })
    this.#tellAgent(uid)
    return true
  }

  report(agent: SimAgent, reports: AgentReport[]): void {
    this.#read(agent.pod.uid)
    this.#deps.ledger.report(agent.pod.uid, agent.attempt, reports, this.#deps.time.nowMs)
    this.plan()
  }

  hangUpAgent(agent: SimAgent): void {
    if (this.#agents.get(agent.pod.uid)?.agent === agent) this.#agents.delete(agent.pod.uid)
  }

  #tellAgent(uid: string): void {
    const stream = this.#agents.get(uid)
    const pod = this.#shown.get(uid)
    const sequence = pod && sequenceOf(pod)
    if (!stream || !sequence) return
    const { agent } = stream
    const containers = containersSeen(pod, sequence, agent.attempt)
    const told = JSON.stringify(containers)
    if (told === stream.told) return
    stream.told = told
    this.#later(20, 20, () => this.#agents.get(uid)?.agent === agent && agent.see(containers))
  }

  /** False when the gate has to come again. */
  connect(pod: SimPod, gate: SimGate): boolean {
    const shown = this.#shown.get(pod.uid)
    const ticket = shown && ticketOf(shown, gate)
    if (!ticket || 'refused' in ticket) return false
    const { time, random, checker, situations } = this.#deps
    const { nonce } = gate
    this.#read(pod.uid)
    if (random.chance(0.02)) {
      situations.note('a gate was told to come back')
      gate.hear({ kind: 'retry', afterMs: random.int(0, 8_000), reason: 'far back' }, nonce)
      return true
    }
    this.#streams.set(ticket.key, { pod, gate, nonce })
    gate.hear({ kind: 'waiting', place: 1, of: 1, reason: 'in line', estimateMs: random.int(0, 60_000) }, nonce)
    checker.asked(ticket, time.nowMs)
    if (random.chance(0.1)) this.#ask(ticket)
    this.#ask(ticket)
    this.#pressureTalk.hear(pod)
    this.plan()
    return true
  }

  #ask(ticket: Ticket): void {
    const { ledger, time, term, checker, podOf, isOurs, situations } = this.#deps
    const { key, podUid } = ticket
    this.#unheard.remove(podUid)
    if (!this.#asked.has(key)) this.#asked.set(key, ticket)
    const wasHeld = ledger.grantOf(key) !== undefined
    const granted = ledger.ask(ticket, time.nowMs)
    const pod = podOf(podUid)
    if (granted) {
      if (pod && isOurs()) checker.confirmed(granted, pod, time.nowMs)
      this.#writer.submit({ ...granted, term })
    } else if (wasHeld) {
      situations.note('a stored grant was decided on anew')
      if (isOurs()) checker.revoked(key)
      this.#writer.release(key)
    }
  }

  hangUp(gate: SimGate): void {
    for (const [key, stream] of this.#streams) {
      if (stream.gate !== gate) continue
      this.#streams.delete(key)
      this.#deps.ledger.withdraw(key)
    }
    this.plan()
  }

  /** The process is gone. Returns who lost their connection. */
  crash(): { gates: SimGate[]; agents: SimAgent[] } {
    this.#isOver = true
    const { isOurs, checker } = this.#deps
    const unwritten = this.#writer.crash()
    for (const key of isOurs() ? unwritten : []) checker.dropped(key)
    return this.#listeners()
  }

  /** SIGSTOP: nothing happens in it until `wake`, and its streams say nothing. */
  pause(): { gates: SimGate[]; agents: SimAgent[] } {
    this.#held = []
    return this.#listeners()
  }

  /** What it was about to do, it does now, whoever leads meanwhile. */
  wake(): void {
    const held = this.#held ?? []
    this.#held = undefined
    // Their streams are long dead.
    this.#agents.clear()
    for (const act of held) if (!this.#isOver) act()
  }

  #listeners(): { gates: SimGate[]; agents: SimAgent[] } {
    return { gates: [...this.#streams.values()].map(s => s.gate), agents: [...this.#agents.values()].map(a => a.agent) }
  }

  plan(): void {
    if (this.#isPlanned || this.#isOver) return
    this.#isPlanned = true
    this.#later(0, this.#restMs, () => {
      this.#isPlanned = false
      this.#step()
    })
  }

  #step(): void {
    const { ledger, time, term, isOurs, situations, pressures } = this.#deps
    pressures.expire(time.nowMs)
    const step = ledger.step(time.nowMs, term, time.nowMs + this.#deps.skewMs())
    const { grants, oversize, passes, releases, timeouts, waiting, wakeAtMs } = step
    if (step.failure !== undefined) throw step.failure
    for (const { podUid, reason } of step.troubles) this.#deps.checker.violations.push(`SetAside: ${podUid}: ${reason}`)
    const passing = new Set(passes.map(({ key }) => key))
    situations.note('a request was larger than a limit', oversize.length)
    if (waiting.length > 0) situations.note('a slot timed out while others waited', timeouts.length)
    // What one decides that leads no more is nobody's grant.
    const counts = isOurs()
    if (counts) for (const timeout of timeouts) this.#checkTimeout(timeout)
    for (const { grant } of releases) this.#release(grant.key, counts)
    if (counts) this.#checkTurns(step)
    for (const grant of grants) this.#take(grant, counts, passing.has(grant.key))
    if (counts && passing.size === 0) this.#checkReturns(grants)
    if (counts) this.#checkWaiting(waiting)
    this.#askForPressure(waiting)
    const { started, skewMs } = this.#deps
    const forgotten = started.shrink(ledger, time.nowMs + skewMs(), uid => this.#agents.has(uid))
    situations.note('a pod past starting was forgotten', forgotten)
    if (wakeAtMs !== undefined) this.#later(wakeAtMs - time.nowMs, wakeAtMs - time.nowMs, () => this.plan())
  }

  /** Tickets in line: not those that wait for something else, or that a 0 keeps back. */
  #inLine(waiting: readonly Waiting[], resource: Resource): Ticket[] {
    return waiting.flatMap(row =>
      row.resource === resource && row.reason.endsWith('in line') ? (this.#asked.get(row.key) ?? []) : [],
    )
  }

  /** Of steps in which turns alone decide: none is kept, nobody passes full limits or rides on another's pull. */
  #checkTurns({ grants, passes, waiting }: Step): void {
    const { ledger, checker, limits, time, skewMs } = this.#deps
    const { settings, namespaces } = limits
    this.#wasSkewed ||= skewMs() !== 0
    if (time.nowMs <= this.#returnsUntilMs || passes.length > 0) return
    for (const resource of ['start', 'pull'] as const) {
      if (resource === 'start' ? settings.cluster.maxStartRate : grants.some(({ isRider }) => isRider)) continue
      const decided = grants.filter(grant => grant.resource === resource && grant.slots > 0 && !grant.isObserved)
      const inLine = decided.length > 0 ? this.#inLine(waiting, resource) : []
      if (!inLine.some(({ namespace }) => decided.some(grant => grant.namespace !== namespace))) continue
      const { unfair } = new TurnCheck({
        grants: decided,
        waiting: inLine,
        usage: ledger.usage().filter(row => row.resource === resource),
        isPartlyPulled: ticket => this.#isPartlyPulled(ticket),
        isOverdue: ticket => this.#wasSkewed || isMaybeOverdue(ticket, time.nowMs),
        limitsOf: ticket => checker.limitsOf(ticket, time.nowMs),
        namespaces,
      })
      checker.violations.push(...unfair)
    }
  }

  #isPartlyPulled({ podUid, nodeName, images }: Ticket): boolean {
    const present = this.#deps.podOf(podUid)?.world.imagesOn(nodeName) ?? []
    return images.length > 0 && [...present].some(image => images.includes(imageKeyOf(image)))
  }

  #checkReturns(grants: readonly Grant[]): void {
    const { checker, time, situations } = this.#deps
    const unheard = this.#unheard.tickets(time.nowMs)
    if (unheard.length > 0) situations.note('a new leader kept a turn')
    const starts = grants.filter(({ resource, slots }) => resource === 'start' && slots > 0)
    checker.turnsKept(starts, unheard, time.nowMs)
  }

  #checkWaiting(waiting: readonly Waiting[]): void {
    const namespaces = new Set(this.#inLine(waiting, 'start').map(({ namespace }) => namespace))
    this.#deps.checker.rates.waits(namespaces, this.#deps.time.nowMs)
  }

  #askForPressure(waiting: readonly Waiting[]): void {
    const podOf = (key: string) => this.#streams.get(key)?.pod
    for (const key of this.#pressureTalk.ask(waiting, podOf))
      this.#after(this.#deps.pressureRandom.int(5, 500), () => {
        const pod = podOf(key)
        if (!pod) return
        this.#pressureTalk.hear(pod)
        this.plan()
      })
    if (waiting.some(({ reason }) => reason.includes('under cpu pressure')))
      this.#deps.situations.note('pressure held a start back')
  }

  #checkTimeout(timeout: SlotTimeout): void {
    const { time, checker, podOf } = this.#deps
    const { podUid } = timeout.grant
    const pod = podOf(podUid)
    const { sinceMs = time.nowMs } = this.#agents.get(podUid) ?? {}
    if (pod) checker.timedOut(timeout, pod, { nowMs: time.nowMs, connectedMs: time.nowMs - sinceMs })
  }

  #release(key: string, counts: boolean): void {
    const { checker, ledger } = this.#deps
    if (counts) checker.released(key)
    this.#writer.release(key)
    const stream = this.#streams.get(key)
    if (!stream) return
    // It was about to hear of a grant that is no more.
    this.#streams.delete(key)
    ledger.withdraw(key)
    stream.gate.hear({ kind: 'retry', afterMs: 0, reason: 'the grant ended before it could be told' }, stream.nonce)
  }

  #take(grant: Grant, counts: boolean, isPass: boolean): void {
    const { checker, podOf, time, answersEarly, situations } = this.#deps
    if (isPass) situations.note('one passed full limits')
    const pod = podOf(grant.podUid)
    if (!pod) return
    if (counts) checker.granted(grant, pod, time.nowMs, isPass)
    if (grant.isRider) situations.note('a pull rode on another')
    if (isFree(grant) || answersEarly) this.#answer(grant.key)
    if (!isFree(grant)) this.#writer.submit(grant)
  }

  #revoke(key: string): void {
    this.#deps.ledger.revoke(key)
    if (this.#deps.isOurs()) this.#deps.checker.revoked(key)
    this.plan()
  }

  #durable(grant: Grant): void {
    const { isOurs, podOf, checker, time } = this.#deps
    const pod = podOf(grant.podUid)
    // Only a faulty one comes here when it leads no more.
    if (!isOurs() && pod) checker.granted(grant, pod, time.nowMs)
    this.#answer(grant.key)
  }

  #answer(key: string): void {
    const stream = this.#streams.get(key)
    if (!stream) return
    const { random, ledger, checker, time, situations } = this.#deps
    const { pod, gate, nonce } = stream
    this.#streams.delete(key)
    ledger.withdraw(key)
    if (random.chance(0.03)) {
      situations.note('an answer to an earlier request came')
      gate.hear({ kind: 'granted', nonce: 'earlier' }, nonce)
    } else if (!random.chance(0.05) && gate.hear({ kind: 'granted', nonce }, nonce)) checker.answered(key, pod)
    else {
      situations.note('an answer was lost')
      // The gate finds out and asks again.
      time.after(random.int(500, 3_000), () => gate.lost('no answer', nonce))
    }
  }

  #later(fromMs: number, toMs: number, act: () => void): void {
    this.#after(this.#deps.random.int(fromMs, toMs), act)
  }

  #after(ms: number, act: () => void): void {
    this.#deps.time.after(ms, () => {
      if (this.#isOver) return
      if (this.#held) this.#held.push(act)
      else act()
    })
  }
}
