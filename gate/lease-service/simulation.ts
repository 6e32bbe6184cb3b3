import type { NamespaceSettings } from '../../core/annotations.ts'
import type { AgentReport } from '../../core/lease-api.ts'
import type { Node, Pod } from '../../core/pod.ts'
import type { FindWorkload } from './after-waits.ts'
import { containersSeen } from './container-view.ts'
import { Ledger, type LedgerParts } from './ledger.ts'
import type { ClusterSettings } from './limits.ts'
import type { Grant } from './model.ts'
import type { AgentFaults, SimAgent } from './simulation-agent.ts'
import { Checker, heldAnywhere, type LimitTruth } from './simulation-checker.ts'
import { SimLeader } from './simulation-leader.ts'
import { type GateRun, SimPod, type SimWorld } from './simulation-pod.ts'
import { Random, Timeline } from './simulation-timeline.ts'
import { randomCluster, randomNamespace, randomPod } from './simulation-workload.ts'

/** What may be replaced to see whether the simulation finds the fault. */
export interface Faults {
  newLedger?: (settings: ClusterSettings, parts: Pick<LedgerParts, 'findWorkload'>) => Ledger
  answersEarly?: boolean
  agent?: AgentFaults
  containersSeen?: typeof containersSeen
}

export interface Outcome {
  /** Empty when all went as promised. */
  violations: string[]
  grants: number
}

const CHAOS_MS = 240_000
const END_MS = 8_000_000

/**
 * Test support. Runs one random cluster, workload and course of events by seed: pods come and go, sandboxes die, statuses come late,
 * twice and stale, limits change, writes fail, leaders crash. Then calm returns, and every gate must get its
 * answer and every slot come back.
 */
export function simulate(seed: number, faults: Faults = {}): Outcome {
  return new Simulation(seed, faults).run()
}

class Simulation {
  readonly #random: Random
  readonly #time = new Timeline()
  readonly #faults: Faults
  readonly #limits: LimitTruth
  readonly #checker: Checker
  readonly #pods: SimPod[] = []
  readonly #images = new Map<string, Set<string>>()
  /** The API server's view. */
  readonly #api = new Map<string, Pod>()
  readonly #apiBusyUntilMs = new Map<string, number>()
  readonly #watchBusyUntilMs = new Map<string, number>()
  readonly #store = new Map<string, Grant>()
  #leader: SimLeader | undefined
  #ledger: Ledger | undefined
  #term = 0
  /** How often the API server hears of a status some seconds late. */
  readonly #slowStatuses: number

  constructor(seed: number, faults: Faults) {
    this.#random = new Random(seed)
    this.#faults = faults
    this.#slowStatuses = this.#random.pick([0, 0.05, 0.4])
    this.#limits = randomCluster(this.#random)
    this.#checker = new Checker(this.#limits)
  }

  /** Deployments get ready at a time of their own; one is not there, and one never gets ready. */
  #findWorkload: FindWorkload = (_kind, _namespace, name) => {
    const readyAtMs = this.#limits.deploymentsReadyAtMs.get(name)
    if (readyAtMs === undefined) return 'Absent'
    const status = readyAtMs <= this.#time.nowMs ? 'True' : 'False'
    return { metadata: { name }, status: { availableReplicas: 1, conditions: [{ type: 'Available', status }] } }
  }

  run(): Outcome {
    const { int } = bound(this.#random)
    const world = this.#world()
    const podCount = int(3, 24)
    for (let i = 0; i < podCount; i++) this.#time.after(int(0, CHAOS_MS / 2), () => this.#createPod(i, world))
    this.#time.after(0, () => this.#takeOver())
    for (const atMs of this.#limits.deploymentsReadyAtMs.values())
      if (Number.isFinite(atMs)) this.#time.after(atMs, () => this.#leader?.plan())
    this.#planChaos()
    this.#time.after(CHAOS_MS, () => this.#calm())
    this.#time.run(END_MS, () => this.#checker.violations.length > 0)
    if (this.#checker.violations.length === 0) this.#checkEnd()
    return { violations: this.#checker.violations, grants: this.#checker.grants }
  }

  #world(): SimWorld {
    return {
      time: this.#time,
      random: this.#random,
      settleMs: this.#limits.settings.settleMs,
      imagesOn: node => getOrSet(this.#images, node, () => new Set()),
      publish: pod => this.#publish(pod),
      gateReady: (pod, run) => this.#connect(pod, run),
      agentReady: agent => this.#connectAgent(agent),
      report: (agent, reports) => this.#report(agent, reports),
      violated: violation => this.#checker.violations.push(violation),
      agentFaults: this.#faults.agent ?? {},
    }
  }

  #createPod(index: number, world: SimWorld): void {
    const pod = new SimPod(randomPod(index, this.#time.nowMs, this.#limits, this.#random), world)
    this.#pods.push(pod)
    this.#publish(pod)
    this.#time.after(this.#random.int(100, 1_500), () => pod.isOver || pod.begin())
  }

  /** A status reaches the API server after some time, and the leader after some more; in order, but maybe twice, or an old one again. */
  #publish(pod: SimPod): void {
    const { int, chance } = bound(this.#random)
    const shown = pod.snapshot()
    this.#inOrder(this.#apiBusyUntilMs, pod.uid, chance(this.#slowStatuses) ? int(0, 8_000) : int(5, 300), () => {
      if (pod.isGone) return
      const before = this.#api.get(pod.uid)
      this.#api.set(pod.uid, this.#withDeletion(pod, shown))
      const again = before && chance(0.1) ? [before] : []
      for (const view of [...again, ...(chance(0.1) ? [shown] : []), shown]) this.#deliver(pod, view)
    })
  }

  #withDeletion(pod: SimPod, shown: Pod): Pod {
    if (!pod.isDeleted) return shown
    return { ...shown, metadata: { ...shown.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
  }

  #deliver(pod: SimPod, view: Pod | undefined): void {
    const leader = this.#leader
    const lagMs = this.#random.chance(0.03) ? 2_000 : this.#random.int(1, 150)
    this.#inOrder(this.#watchBusyUntilMs, pod.uid, lagMs, () => {
      if (leader !== this.#leader) return
      if (view && !pod.isGone) leader?.podChanged(this.#withDeletion(pod, view))
      else leader?.podGone(pod.uid)
    })
  }

  #inOrder(busyUntilMs: Map<string, number>, key: string, delayMs: number, act: () => void): void {
    const atMs = Math.max(this.#time.nowMs + delayMs, busyUntilMs.get(key) ?? 0)
    busyUntilMs.set(key, atMs)
    this.#time.after(atMs - this.#time.nowMs, act)
  }

  #connect(pod: SimPod, run: GateRun): void {
    const node = this.#limits.nodes.get(pod.base.spec.nodeName ?? '')
    this.#time.after(this.#random.int(5, 400), () => {
      if (!run.isWaiting()) return
      if (node?.isLost || !this.#leader?.connect(pod, run)) this.#time.after(1_000, () => this.#connect(pod, run))
    })
  }

  #connectAgent(agent: SimAgent): void {
    const node = this.#limits.nodes.get(agent.pod.base.spec.nodeName ?? '')
    this.#time.after(this.#random.int(5, 400), () => {
      if (!agent.isAlive) return
      if (node?.isLost || !this.#leader?.connectAgent(agent)) this.#time.after(1_000, () => this.#connectAgent(agent))
    })
  }

  /** May get lost; then the agent notices, and says all of it again on a new stream. */
  #report(agent: SimAgent, reports: AgentReport[]): void {
    const node = this.#limits.nodes.get(agent.pod.base.spec.nodeName ?? '')
    const isLost = this.#random.chance(0.2)
    this.#time.after(this.#random.int(5, 200), () => {
      if (!agent.isAlive) return
      if (!isLost && !node?.isLost && this.#leader) this.#leader.report(agent, reports)
      else this.#time.after(this.#random.int(500, 3_000), () => this.#connectAgent(agent))
    })
  }

  #takeOver(): void {
    const settings = this.#limits.settings
    this.#term += 1
    const parts = { findWorkload: this.#findWorkload }
    const ledger = this.#faults.newLedger?.(settings, parts) ?? new Ledger(settings, parts)
    this.#ledger = ledger
    this.#leader = new SimLeader({
      time: this.#time,
      random: this.#random,
      checker: this.#checker,
      ledger,
      term: this.#term,
      store: this.#store,
      podOf: uid => this.#pods.find(p => p.uid === uid),
      answersEarly: this.#faults.answersEarly ?? false,
      containersSeen: this.#faults.containersSeen ?? containersSeen,
    })
    const nodes = [...this.#limits.nodes.keys()].map(name => this.#nodeObject(name))
    this.#leader.begin({ nodes, namespaces: this.#limits.namespaces, pods: [...this.#api.values()] })
  }

  #crash(): void {
    const { gates, agents } = this.#leader?.crash() ?? { gates: [], agents: [] }
    this.#leader = undefined
    this.#time.after(this.#random.int(500, 10_000), () => this.#takeOver())
    for (const { pod, run } of gates) if (run.isWaiting()) this.#connect(pod, run)
    for (const agent of agents) this.#connectAgent(agent)
  }

  #nodeObject(name: string): Node {
    const node = this.#limits.nodes.get(name)
    const annotations =
      node?.annotation === undefined ? {} : { 'startgate.dev/max-starting-per-node': `${node.annotation}` }
    return {
      metadata: { name, annotations },
      status: {
        capacity: { cpu: `${node?.cores}` },
        conditions: [{ type: 'Ready', status: node?.isLost ? 'Unknown' : 'True' }],
        images: [{ names: [...(this.#images.get(name) ?? [])] }],
      },
    }
  }

  #planChaos(): void {
    const { int, chance } = bound(this.#random)
    const acts: [number, () => void][] = [
      [0.7, () => this.#somePod(pod => pod.sandbox > 0 && this.#killSandbox(pod))],
      [0.5, () => this.#somePod(pod => this.#delete(pod))],
      [0.5, () => this.#leader && this.#crash()],
      [
        0.7,
        () => this.#changeLimits(this.#random.pick([...this.#limits.namespaces.keys()]), randomNamespace(this.#random)),
      ],
      [0.5, () => this.#somePod(pod => this.#breakStream(pod))],
      [0.5, () => this.#somePod(pod => this.#crashAgent(pod))],
      [0.3, () => this.#loseNode()],
      [0.7, () => this.#showNode(this.#random.pick([...this.#limits.nodes.keys()]))],
    ]
    for (const [probability, act] of acts) {
      if (!chance(probability)) continue
      for (let times = int(1, 8); times > 0; times--) this.#time.after(int(1_000, CHAOS_MS), act)
    }
  }

  #somePod(act: (pod: SimPod) => void): void {
    const living = this.#pods.filter(p => !p.isOver)
    if (living.length > 0) act(this.#random.pick(living))
  }

  #killSandbox(pod: SimPod): void {
    this.#hangUp(pod)
    pod.killSandbox()
  }

  #hangUp(pod: SimPod): void {
    for (const run of pod.pendingRuns) this.#leader?.hangUp(run)
    if (pod.agent) this.#leader?.hangUpAgent(pod.agent)
  }

  #breakStream(pod: SimPod): void {
    const runs = pod.pendingRuns
    this.#hangUp(pod)
    for (const run of runs) this.#connect(pod, run)
    if (pod.agent) this.#connectAgent(pod.agent)
  }

  #crashAgent(pod: SimPod): void {
    if (!pod.agent?.isAlive) return
    this.#hangUp(pod)
    pod.agent.crash()
    if (pod.waiting) this.#connect(pod, pod.waiting)
  }

  #delete(pod: SimPod): void {
    const runs = pod.pendingRuns
    pod.isDeleted = true
    const shown = this.#api.get(pod.uid)
    if (shown) {
      this.#api.set(pod.uid, this.#withDeletion(pod, shown))
      this.#deliver(pod, shown)
    }
    for (const run of runs) this.#time.after(this.#random.int(0, 2_000), () => this.#leader?.hangUp(run))
    this.#time.after(this.#random.int(500, 5_000), () => {
      pod.isGone = true
      this.#api.delete(pod.uid)
      this.#deliver(pod, undefined)
    })
  }

  #changeLimits(namespace: string, settings: NamespaceSettings): void {
    this.#limits.namespaces.set(namespace, settings)
    this.#ledger?.setNamespace(namespace, settings)
    this.#leader?.plan()
  }

  #loseNode(): void {
    const [name, node] = this.#random.pick([...this.#limits.nodes])
    if (node.isLost) return
    node.isLost = true
    this.#checker.nodeLost(name)
    this.#showNode(name)
    this.#time.after(this.#random.int(5_000, 60_000), () => {
      // What was answered meanwhile ran on a lost node.
      this.#checker.nodeLost(name)
      node.isLost = false
      this.#showNode(name)
    })
  }

  #showNode(name: string): void {
    this.#ledger?.upsertNode(this.#nodeObject(name))
    this.#leader?.plan()
  }

  #calm(): void {
    for (const namespace of this.#limits.namespaces.keys()) this.#changeLimits(namespace, { maxStarting: 2 })
  }

  #checkEnd(): void {
    const { violations } = this.#checker
    for (const pod of this.#pods) {
      if (pod.isOver) continue
      for (const { gate } of pod.pendingRuns) {
        // A gate that the kubelet never came to may wait for ever: what stands before it never gets ready.
        if (pod.waiting?.gate === gate || pod.gateAtFifo === gate)
          violations.push(`LostTicket: ${gate} of ${pod.uid} was never answered`)
      }
      const stuck = pod.sequence?.stages.find(s => s.gate === pod.gateAtFifo && s.dependsOn.every(d => pod.holds(d)))
      if (stuck) violations.push(`Stuck: ${stuck.gate} of ${pod.uid} stays shut though its dependencies are met`)
    }
    for (const leak of heldAnywhere(this.#ledger?.usage() ?? [])) violations.push(`LeakedSlot: ${leak}`)
    for (const key of this.#store.keys()) violations.push(`LeakedLease: ${key}`)
  }
}

function bound(random: Random): {
  int: (low: number, high: number) => number
  chance: (probability: number) => boolean
} {
  return { int: (low, high) => random.int(low, high), chance: probability => random.chance(probability) }
}

function getOrSet<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}
