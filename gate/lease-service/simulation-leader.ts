import type { NamespaceSettings } from '../../core/annotations.ts'
import type { Node, Pod } from '../../core/pod.ts'
import type { Ledger } from './ledger.ts'
import type { Grant } from './model.ts'
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
    this.plan()
  }

  podGone(uid: string): void {
    this.#shown.delete(uid)
    this.#deps.ledger.removePod(uid, this.#deps.time.nowMs)
    this.plan()
  }

  /** False when the gate has to come again. */
  connect(pod: SimPod, run: GateRun): boolean {
    const shown = this.#shown.get(pod.uid)
    const ticket = shown && ticketOf(shown, run)
    if (!ticket || 'refused' in ticket) return false
    const { ledger, time, store, random } = this.#deps
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

  /** The process is gone; what it was writing was written, or not. Returns the gates that lost their connection. */
  crash(): { pod: SimPod; run: GateRun }[] {
    this.#isOver = true
    const { random, store, checker } = this.#deps
    for (const [key, grant] of this.#writing) {
      if (random.chance(0.5)) store.set(key, grant)
      else checker.dropped(key)
    }
    return [...this.#streams.values()]
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
    const { grants, releases, wakeAtMs } = ledger.step(time.nowMs, term)
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
    if (!random.chance(0.05) && pod.answer(run)) checker.answered(key, pod)
    // Lost on the way: the gate finds out and asks again.
    else time.after(random.int(500, 3_000), () => pod.waiting === run && pod.world.gateReady(pod))
  }

  #later(fromMs: number, toMs: number, act: () => void): void {
    this.#deps.time.after(this.#deps.random.int(fromMs, toMs), () => !this.#isOver && act())
  }
}
