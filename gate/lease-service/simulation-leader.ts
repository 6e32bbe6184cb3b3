import type { NamespaceSettings } from '../../core/annotations.ts'
import type { AgentReport } from '../../core/lease-api.ts'
import type { Node, Pod } from '../../core/pod.ts'
import { containersSeen } from './container-view.ts'
import type { Ledger } from './ledger.ts'
import type { Grant, SlotTimeout } from './model.ts'
import { sequenceOf } from './pod-sequence.ts'
import type { SimAgent } from './simulation-agent.ts'
import type { Checker } from './simulation-checker.ts'
import type { SimGate } from './simulation-gate.ts'
import type { SimPod } from './simulation-pod.ts'
import type { Situations } from './simulation-situations.ts'
import type { Random, Timeline } from './simulation-timeline.ts'
import { ticketOf } from './ticket.ts'

export interface LeaderDeps {
  time: Timeline
  random: Random
  checker: Checker
  situations: Situations
  ledger: Ledger
  term: number
  /** A quorum read of the election Lease. */
  isOurs: () => boolean
  /** The term is over. */
  onTermLost: () => void
  /** The Leases: what outlives a leader. */
  store: Map<string, Grant>
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
  readonly #writing = new Map<string, Grant>()
  readonly #shown = new Map<string, Pod>()
  readonly #agents = new Map<string, { agent: SimAgent; sinceMs: number; told: string }>()
  /** A loaded leader decides seldom, on all that has happened meanwhile. */
  readonly #restMs: number
  #isOver = false
  #isPlanned = false
  /** While it is paused: what waits to be done. */
  #held: (() => void)[] | undefined

  constructor(deps: LeaderDeps) {
    this.#deps = deps
    this.#restMs = deps.random.pick([30, 250])
  }

  /** A takeover: all facts by list, then all Leases. */
  begin(facts: { nodes: Node[]; namespaces: Map<string, NamespaceSettings>; pods: Pod[] }): void {
    const { ledger, store, time, checker, podOf } = this.#deps
    checker.tookOver(store)
    for (const node of facts.nodes) ledger.upsertNode(node)
    for (const [name, settings] of facts.namespaces) ledger.setNamespace(name, settings)
    for (const pod of facts.pods) this.podChanged(pod)
    for (const grant of store.values()) {
      ledger.adopt(grant, time.nowMs)
      const pod = podOf(grant.podUid)
      if (pod) checker.adopted(grant, pod, time.nowMs)
      if (!this.#shown.has(grant.podUid)) ledger.removePod(grant.podUid, time.nowMs)
    }
    this.plan()
    this.#reconcile(RECONCILIATIONS)
  }

  /** Leases that nobody holds are deleted, as those a leader wrote that led no more. */
  #reconcile(times: number): void {
    if (times === 0) return
    this.#later(30_000, 30_000, () => {
      const { store, ledger, isOurs } = this.#deps
      for (const key of store.keys()) if (isOurs() && !this.#writing.has(key) && !ledger.grantOf(key)) store.delete(key)
      this.#reconcile(times - 1)
    })
  }

  podChanged(pod: Pod): void {
    this.#shown.set(pod.metadata.uid ?? '', pod)
    this.#deps.ledger.upsertPod(pod, this.#deps.time.nowMs)
    this.#tellAgent(pod.metadata.uid ?? '')
    this.plan()
  }

  podGone(uid: string): void {
    this.#shown.delete(uid)
    this.#deps.ledger.removePod(uid, this.#deps.time.nowMs)
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
    const { ledger, time, store, random, checker, situations } = this.#deps
    checker.asked(ticket, time.nowMs)
    const { nonce } = gate
    if (random.chance(0.02)) {
      situations.note('a gate was told to come back')
      gate.hear({ kind: 'retry', afterMs: random.int(0, 8_000), reason: 'far back' }, nonce)
      return true
    }
    this.#streams.set(ticket.key, { pod, gate, nonce })
    gate.hear({ kind: 'waiting', place: 1, of: 1, reason: 'in line', estimateMs: random.int(0, 60_000) }, nonce)
    for (let times = random.chance(0.1) ? 2 : 1; times > 0; times--) ledger.ask(ticket, time.nowMs)
    if (ledger.grantOf(ticket.key) && store.has(ticket.key) && !this.#writing.has(ticket.key)) this.#answer(ticket.key)
    this.plan()
    return true
  }

  hangUp(gate: SimGate): void {
    for (const [key, stream] of this.#streams) {
      if (stream.gate !== gate) continue
      this.#streams.delete(key)
      this.#deps.ledger.withdraw(key)
    }
    this.plan()
  }

  /** The process is gone; what it was writing was written, or not. Returns who lost their connection. */
  crash(): { gates: SimGate[]; agents: SimAgent[] } {
    this.#isOver = true
    const { random, checker, situations } = this.#deps
    for (const [key, grant] of this.#writing) {
      if (random.chance(0.5)) {
        situations.note('a write outlived its leader')
        this.#put(grant)
      } else checker.dropped(key)
    }
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
    const { ledger, time, term, isOurs, situations } = this.#deps
    const { grants, oversize, releases, timeouts, waiting, wakeAtMs } = ledger.step(time.nowMs, term)
    situations.note('a request was larger than a limit', oversize.length)
    if (waiting.length > 0) situations.note('a slot timed out while others waited', timeouts.length)
    // What one decides that leads no more is nobody's grant.
    const counts = isOurs()
    if (counts) for (const timeout of timeouts) this.#checkTimeout(timeout)
    for (const { grant } of releases) this.#release(grant.key, counts)
    for (const grant of grants) this.#take(grant, counts)
    if (wakeAtMs !== undefined) this.#later(wakeAtMs - time.nowMs, wakeAtMs - time.nowMs, () => this.plan())
  }

  #checkTimeout(timeout: SlotTimeout): void {
    const { time, checker, podOf } = this.#deps
    const { podUid } = timeout.grant
    const pod = podOf(podUid)
    const { sinceMs = time.nowMs } = this.#agents.get(podUid) ?? {}
    if (pod) checker.timedOut(timeout, pod, { nowMs: time.nowMs, connectedMs: time.nowMs - sinceMs })
  }

  #release(key: string, counts: boolean): void {
    const { checker, store, isOurs } = this.#deps
    this.#writing.delete(key)
    if (counts) checker.dropped(key)
    const stored = store.get(key)
    this.#later(5, 100, () => {
      if (isOurs() && store.get(key) === stored) store.delete(key)
    })
  }

  #take(grant: Grant, counts: boolean): void {
    const { checker, podOf, time, answersEarly } = this.#deps
    const pod = podOf(grant.podUid)
    if (!pod) return
    if (counts) checker.granted(grant, pod, time.nowMs)
    if (grant.slots === 0 || answersEarly) this.#answer(grant.key)
    if (grant.slots > 0) this.#write(grant)
  }

  #write(grant: Grant): void {
    const { random, ledger, checker, situations } = this.#deps
    const { key } = grant
    this.#writing.set(key, grant)
    this.#later(5, random.chance(0.1) ? 5_000 : 100, () => {
      if (this.#writing.get(key) !== grant) return
      if (random.chance(0.1)) {
        situations.note('a write failed')
        this.#writing.delete(key)
        ledger.revoke(key)
        if (this.#deps.isOurs()) checker.dropped(key)
        this.plan()
        return
      }
      const isStored = this.#put(grant)
      this.#later(1, 50, () => {
        if (this.#writing.get(key) !== grant) return
        this.#writing.delete(key)
        this.#confirm(grant, isStored)
      })
    })
  }

  /** Create, then confirm the term, then answer: a leader that leads no more takes back what it wrote. */
  #confirm(grant: Grant, isStored: boolean): void {
    const { store, isOurs, onTermLost, skipsTerm, podOf, checker, time } = this.#deps
    const pod = podOf(grant.podUid)
    if (isStored && skipsTerm && !isOurs() && pod) checker.granted(grant, pod, time.nowMs)
    if (isStored && (skipsTerm || isOurs())) {
      this.#answer(grant.key)
      return
    }
    this.#deps.situations.note('a woken leader found its term lost')
    if (store.get(grant.key) === grant) store.delete(grant.key)
    this.#isOver = true
    onTermLost()
  }

  /** A Lease of a later term stays as it is. */
  #put(grant: Grant): boolean {
    const { store } = this.#deps
    if ((store.get(grant.key)?.term ?? 0) > grant.term) return false
    store.set(grant.key, grant)
    return true
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
    this.#deps.time.after(this.#deps.random.int(fromMs, toMs), () => {
      if (this.#isOver) return
      if (this.#held) this.#held.push(act)
      else act()
    })
  }
}
