import type { NamespaceSettings } from '../../core/annotations.ts'
import type { AgentReport } from '../../core/lease-api.ts'
import type { Node, Pod } from '../../core/pod.ts'
import type { containersSeen } from './container-view.ts'
import type { Ledger } from './ledger.ts'
import type { Grant } from './model.ts'
import type { SimAgent } from './simulation-agent.ts'
import type { Checker } from './simulation-checker.ts'
import type { GateRun, SimPod } from './simulation-pod.ts'
import type { Random, Timeline } from './simulation-timeline.ts'
import { ticketOf } from './ticket.ts'

export interface LeaderDeps {
  time: Timeline
  random: Random
  checker: Checker
  ledger: Ledger
  term: number
  /** The Leases: what outlives a leader. */
  store: Map<string, Grant>
  podOf: (uid: string) => SimPod | undefined
  /** The fault that a checker must find: gates hear of a grant before it is durable. */
  answersEarly: boolean
  containersSeen: typeof containersSeen
}

/**
 * Test support. A model of the shell around the ledger: streams, Leases written after some time or not at all, answers that get
 * lost, and a crash at any moment.
 */
export class SimLeader {
  readonly #deps: LeaderDeps
  readonly #streams = new Map<string, { pod: SimPod; run: GateRun }>()
  readonly #writing = new Map<string, Grant>()
  readonly #shown = new Map<string, Pod>()
  readonly #agents = new Map<string, { agent: SimAgent; sinceMs: number }>()
  #isOver = false
  #isPlanned = false

  constructor(deps: LeaderDeps) {
    this.#deps = deps
  }

  /** A takeover: all facts by list, then all Leases. */
  begin(facts: { nodes: Node[]; namespaces: Map<string, NamespaceSettings>; pods: Pod[] }): void {
    const { ledger, store, time } = this.#deps
    for (const node of facts.nodes) ledger.upsertNode(node)
    for (const [name, settings] of facts.namespaces) ledger.setNamespace(name, settings)
    for (const pod of facts.pods) this.podChanged(pod)
    for (const grant of store.values()) {
      ledger.adopt(grant, time.nowMs)
      if (!this.#shown.has(grant.podUid)) ledger.removePod(grant.podUid, time.nowMs)
    }
    this.plan()
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
    this.#agents.set(uid, { agent, sinceMs: this.#deps.time.nowMs })
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
    const agent = this.#agents.get(uid)?.agent
    const pod = this.#shown.get(uid)
    if (!agent || !pod || !agent.pod.sequence) return
    const containers = this.#deps.containersSeen(pod, agent.pod.sequence, agent.attempt)
    this.#later(20, 20, () => this.#agents.get(uid)?.agent === agent && agent.see(containers))
  }

  /** False when the gate has to come again. */
  connect(pod: SimPod, run: GateRun): boolean {
    const shown = this.#shown.get(pod.uid)
    const ticket = shown && ticketOf(shown, run)
    if (!ticket || 'refused' in ticket) return false
    const { ledger, time, store, random, checker } = this.#deps
    checker.asked(ticket, time.nowMs)
    this.#streams.set(ticket.key, { pod, run })
    for (let times = random.chance(0.1) ? 2 : 1; times > 0; times--) ledger.ask(ticket, time.nowMs)
    if (ledger.grantOf(ticket.key) && store.has(ticket.key) && !this.#writing.has(ticket.key)) this.#answer(ticket.key)
    this.plan()
    return true
  }

  hangUp(run: GateRun): void {
    for (const [key, stream] of this.#streams) {
      if (stream.run !== run) continue
      this.#streams.delete(key)
      this.#deps.ledger.withdraw(key)
    }
    this.plan()
  }

  /** The process is gone; what it was writing was written, or not. Returns who lost their connection. */
  crash(): { gates: { pod: SimPod; run: GateRun }[]; agents: SimAgent[] } {
    this.#isOver = true
    const { random, store, checker } = this.#deps
    for (const [key, grant] of this.#writing) {
      if (random.chance(0.5)) store.set(key, grant)
      else checker.dropped(key)
    }
    return { gates: [...this.#streams.values()], agents: [...this.#agents.values()].map(a => a.agent) }
  }

  plan(): void {
    if (this.#isPlanned || this.#isOver) return
    this.#isPlanned = true
    this.#later(0, 30, () => {
      this.#isPlanned = false
      this.#step()
    })
  }

  #step(): void {
    const { ledger, time, term, checker, store, podOf } = this.#deps
    const { grants, releases, timeouts, wakeAtMs } = ledger.step(time.nowMs, term)
    for (const timeout of timeouts) {
      const pod = podOf(timeout.grant.podUid)
      const { sinceMs = time.nowMs } = this.#agents.get(timeout.grant.podUid) ?? {}
      if (pod) checker.timedOut(timeout, pod, { nowMs: time.nowMs, connectedMs: time.nowMs - sinceMs })
    }
    for (const { grant } of releases) {
      const { key } = grant
      this.#writing.delete(key)
      checker.dropped(key)
      const stored = store.get(key)
      this.#later(5, 100, () => {
        if (store.get(key) === stored) store.delete(key)
      })
    }
    for (const grant of grants) {
      const pod = podOf(grant.podUid)
      if (!pod) continue
      checker.granted(grant, pod, time.nowMs)
      if (grant.slots === 0 || this.#deps.answersEarly) this.#answer(grant.key)
      if (grant.slots > 0) this.#write(grant)
    }
    if (wakeAtMs !== undefined) this.#later(wakeAtMs - time.nowMs, wakeAtMs - time.nowMs, () => this.plan())
  }

  #write(grant: Grant): void {
    const { random, ledger, store, checker } = this.#deps
    const { key } = grant
    this.#writing.set(key, grant)
    this.#later(5, random.chance(0.1) ? 5_000 : 100, () => {
      if (this.#writing.get(key) !== grant) return
      this.#writing.delete(key)
      if (random.chance(0.1)) {
        ledger.revoke(key)
        checker.dropped(key)
        this.plan()
      } else {
        store.set(key, grant)
        this.#answer(key)
      }
    })
  }

  #answer(key: string): void {
    const stream = this.#streams.get(key)
    if (!stream) return
    const { random, ledger, checker, time } = this.#deps
    const { pod, run } = stream
    this.#streams.delete(key)
    ledger.withdraw(key)
    if (!random.chance(0.05) && run.answer()) checker.answered(key, pod)
    // Lost on the way: the gate finds out and asks again.
    else time.after(random.int(500, 3_000), () => run.isWaiting() && run.askAgain())
  }

  #later(fromMs: number, toMs: number, act: () => void): void {
    this.#deps.time.after(this.#deps.random.int(fromMs, toMs), () => !this.#isOver && act())
  }
}
