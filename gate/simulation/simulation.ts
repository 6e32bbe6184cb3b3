import type { NamespaceSettings } from '../../core/annotations.ts'
import type { AgentReport } from '../../core/lease-api.ts'
import type { FindWorkload } from '../lease-service/after/after-waits.ts'
import type { Patience } from '../pod/patience.ts'
import { step as waitStep } from '../pod/waiting.ts'
import type { AgentFaults, SimAgent } from './agent.ts'
import { SimApi } from './api.ts'
import { Checker, heldAnywhere } from './checker.ts'
import type { SimGate } from './gate.ts'
import { SimLeases } from './leases.ts'
import { namespaceObject, nodeObject } from './objects.ts'
import { SimPod, type SimWorld } from './pod.ts'
import { planPressure } from './pressure.ts'
import { type LeaderFaults, SimReplica } from './replica.ts'
import { Situations } from './situations.ts'
import { Random, Timeline } from './timeline.ts'
import type { LimitTruth } from './truth.ts'
import { randomCluster, randomNamespace, randomPod } from './workload.ts'

/** What may be replaced to see whether the simulation finds the fault. */
export interface Faults extends LeaderFaults {
  waitStep?: typeof waitStep
  agent?: AgentFaults
}

export interface Outcome {
  /** Empty when all went as promised. */
  violations: string[]
  grants: number
}

const CHAOS_MS = 240_000
const RENEW_DEADLINE_MS = 10_000
const END_MS = 8_000_000
/** How often, and for how long, nothing must be left over before a world is at its end. */
const LOOK_MS = 15_000
const QUIET_LOOKS = 4

/**
 * Test support. Runs one random cluster, workload and course of events by seed: pods come and go, sandboxes die, statuses come late,
 * twice and stale, limits change, writes fail, leaders crash. Then calm returns, and every gate must get its
 * answer and every slot come back.
 */
export function simulate(seed: number, faults: Faults = {}, situations = new Situations()): Promise<Outcome> {
  return new Simulation(seed, faults, situations).run()
}

class Simulation {
  readonly #random: Random
  /** Of its own, so that a seed without pressure gives the world that it gave before there was any. */
  readonly #pressureRandom: Random
  readonly #time = new Timeline()
  readonly #faults: Faults
  readonly #situations: Situations
  readonly #limits: LimitTruth
  readonly #checker: Checker
  readonly #pods: SimPod[] = []
  readonly #podsByUid = new Map<string, SimPod>()
  readonly #images = new Map<string, Set<string>>()
  readonly #api: SimApi
  readonly #leases: SimLeases
  #leader: SimReplica | undefined
  #term = 0
  /** Counts terms also where their numbers start over. */
  #reign = 0
  #skewMs = 0
  #isQuiet = false
  readonly #patience: Patience

  constructor(seed: number, faults: Faults, situations: Situations) {
    this.#random = new Random(seed)
    this.#pressureRandom = new Random(~seed)
    this.#faults = faults
    this.#situations = situations
    this.#leases = new SimLeases(this.#time)
    this.#api = new SimApi({
      time: this.#time,
      random: this.#random,
      situations,
      leases: this.#leases,
      leader: () => this.#leader,
    })
    this.#patience = { failOpenAfterMs: this.#random.pick([20_000, 60_000]), failOpenJitterMs: 60_000 }
    this.#limits = randomCluster(this.#random)
    planPressure(this.#limits, this.#time, this.#pressureRandom, CHAOS_MS)
    this.#checker = new Checker(this.#limits)
  }

  /** Deployments get ready at a time of their own; one is not there, and one never gets ready. */
  #findWorkload: FindWorkload = (_kind, _namespace, name) => {
    const readyAtMs = this.#limits.deploymentsReadyAtMs.get(name)
    if (readyAtMs === undefined) return 'Absent'
    const status = readyAtMs <= this.#time.nowMs ? 'True' : 'False'
    return { metadata: { name }, status: { availableReplicas: 1, conditions: [{ type: 'Available', status }] } }
  }

  async run(): Promise<Outcome> {
    const { int } = bound(this.#random)
    const world = this.#world()
    const podCount = int(3, 24)
    for (let i = 0; i < podCount; i++) this.#time.after(int(0, CHAOS_MS / 2), () => this.#createPod(i, world))
    this.#time.after(0, () => this.#takeOver())
    for (const atMs of this.#limits.deploymentsReadyAtMs.values())
      if (Number.isFinite(atMs)) this.#time.after(atMs, () => this.#leader?.workloadChanged())
    this.#planChaos()
    this.#time.after(CHAOS_MS, () => this.#calm())
    this.#time.after(CHAOS_MS, () => this.#lookWhetherOver(0))
    await this.#time.run(END_MS, () => this.#checker.violations.length > 0 || this.#isQuiet)
    this.#situations.note('a start without a slot took room', this.#checker.debtsCounted)
    this.#situations.note('a pull outlasted the one it rode on', this.#checker.ridersLeft)
    if (this.#checker.violations.length === 0) this.#checker.violations.push(...this.#leftOver())
    return { violations: this.#checker.violations, grants: this.#checker.grants }
  }

  #world(): SimWorld {
    return {
      time: this.#time,
      random: this.#random,
      settleMs: this.#limits.settings.settleMs,
      startTimeoutMs: this.#limits.settings.startTimeoutMs,
      patience: this.#patience,
      waitStep: this.#faults.waitStep ?? waitStep,
      imagesOn: node => getOrSet(this.#images, node, () => new Set()),
      publish: pod => this.#api.publish(pod),
      gateReady: gate => this.#connect(gate),
      hungUp: gate => this.#leader?.hangUp(gate),
      failedOpen: (pod, gate) => this.#checker.failedOpen(pod, gate),
      agentReady: agent => this.#connectAgent(agent),
      report: (agent, reports) => this.#report(agent, reports),
      note: situation => this.#situations.note(situation),
      pressureAsked: gate => this.#tellPressure(gate),
      violated: violation => this.#checker.violations.push(violation),
      agentFaults: this.#faults.agent ?? {},
    }
  }

  #createPod(index: number, world: SimWorld): void {
    const pod = new SimPod(randomPod(index, this.#time.nowMs, this.#limits, this.#random), world)
    this.#pods.push(pod)
    this.#podsByUid.set(pod.uid, pod)
    this.#checker.addPod(pod)
    this.#api.publish(pod)
    this.#time.after(this.#random.int(100, 1_500), () => pod.isOver || pod.begin())
  }

  /** A gate's request goes to any replica; one that does not lead shows the way. */
  #connect(gate: SimGate): void {
    const { nonce } = gate
    this.#time.after(this.#random.int(5, 400), () => {
      if (!gate.isWaiting || gate.nonce !== nonce) return
      const pod = this.#podsByUid.get(gate.podUid)
      const node = this.#limits.nodes.get(pod?.base.spec.nodeName ?? '')
      if (!pod || node?.isLost || !this.#leader || this.#leases.isDown) gate.lost('nobody answers')
      else if (!gate.isDirected && this.#random.chance(0.3))
        gate.hear({ kind: 'leader', address: 'leader', term: this.#term }, nonce)
      else this.#leader.connect(pod, gate)
    })
  }

  #connectAgent(agent: SimAgent): void {
    const node = this.#limits.nodes.get(agent.pod.base.spec.nodeName ?? '')
    this.#time.after(this.#random.int(5, 400), () => {
      if (!agent.isAlive) return
      if (node?.isLost || this.#leases.isDown || !this.#leader) agent.streamLost()
      else this.#leader.connectAgent(agent)
    })
  }

  /** May get lost; then the agent notices, and says all of it again on a new stream. */
  #report(agent: SimAgent, reports: AgentReport[]): void {
    const node = this.#limits.nodes.get(agent.pod.base.spec.nodeName ?? '')
    const isLost = this.#random.chance(0.2)
    if (isLost) this.#situations.note('a report was lost')
    this.#time.after(this.#random.int(5, 200), () => {
      if (!agent.isAlive) return
      const noticed = () => this.#time.after(this.#random.int(0, 1_000), () => agent.streamLost())
      if (!isLost && !node?.isLost && this.#leader) this.#leader.report(agent, reports).catch(noticed)
      else noticed()
    })
  }

  #takeOver(): void {
    if (this.#leases.isDown) {
      this.#time.after(this.#leases.downUntilMs - this.#time.nowMs + this.#random.int(0, 2_000), () => this.#takeOver())
      return
    }
    this.#term += 1
    this.#reign += 1
    const reign = this.#reign
    const { newLedger, newWriter } = this.#faults
    this.#leader = new SimReplica({
      time: this.#time,
      random: this.#random,
      checker: this.#checker,
      limits: this.#limits,
      situations: this.#situations,
      leases: this.#leases,
      api: this.#api,
      findWorkload: this.#findWorkload,
      term: this.#term,
      podOf: uid => this.#podsByUid.get(uid),
      skewMs: () => this.#skewMs,
      isOurs: () => reign === this.#reign,
      faults: { ...(newLedger && { newLedger }), ...(newWriter && { newWriter }) },
    })
    this.#leader.begin({
      nodes: [...this.#limits.nodes.keys()].map(name => this.#node(name)),
      namespaces: [...this.#limits.namespaces].map(([name, settings]) => namespaceObject(name, settings)),
      pods: [...this.#api.pods.values()],
    })
  }

  /** Killed alone, or with all others: then nobody leads for long. */
  #crash(): void {
    const { gates, agents } = this.#leader?.crash() ?? { gates: [], agents: [] }
    this.#leader = undefined
    const isAll = this.#random.chance(0.2)
    this.#situations.note(isAll ? 'all leaders were gone' : 'a leader crashed')
    this.#time.after(isAll ? this.#random.int(20_000, 120_000) : this.#random.int(500, 10_000), () => this.#takeOver())
    for (const gate of gates) gate.lost('the leader is gone')
    for (const agent of agents) agent.streamLost()
  }

  /** Who cannot renew its lead for long gives it up. */
  #pauseApi(): void {
    const ms = this.#random.int(1_000, 30_000)
    this.#api.goDown(this.#time.nowMs + ms)
    const leader = this.#leader
    if (ms > RENEW_DEADLINE_MS)
      this.#time.after(RENEW_DEADLINE_MS, () => leader && leader === this.#leader && this.#crash())
  }

  #jumpClock(): void {
    this.#situations.note('a clock jumped')
    this.#skewMs = this.#random.pick([-3_600_000, -60_000, 60_000, 3_600_000])
  }

  /** Terms start over. */
  #deleteElection(): void {
    if (!this.#leader || this.#leases.isDown) return
    this.#situations.note('the election Lease was deleted')
    this.#crash()
    this.#term = 0
  }

  /** SIGSTOP at any moment, and SIGCONT when another one leads, or just before. */
  #pauseLeader(): void {
    const leader = this.#leader
    if (!leader) return
    this.#situations.note('a leader was paused')
    const { agents } = leader.pause()
    this.#leader = undefined
    for (const agent of agents) this.#time.after(this.#random.int(10_000, 15_000), () => agent.streamLost())
    const { int } = bound(this.#random)
    const tookOverMs = int(8_000, 17_000)
    this.#time.after(tookOverMs, () => this.#takeOver())
    this.#time.after(tookOverMs + int(0, 60_000), () => {
      leader.wake()
      // It reads soon that another one leads.
      this.#time.after(int(100, 3_000), () => leader.crash())
    })
  }

  #node(name: string): ReturnType<typeof nodeObject> {
    return nodeObject(name, this.#limits, this.#images.get(name) ?? [])
  }

  /** Some time after it was asked. */
  #tellPressure(gate: SimGate): void {
    this.#time.after(this.#pressureRandom.int(5, 500), () => {
      const pod = this.#podsByUid.get(gate.podUid)
      if (pod && gate.isWaiting) this.#leader?.tellPressure(pod)
    })
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
      [0.3, () => this.#leader && this.#pauseLeader()],
      [0.3, () => this.#pauseApi()],
      [0.3, () => this.#api.breakWatch(this.#time.nowMs + int(500, 30_000))],
      [0.1, () => this.#deleteElection()],
      [0.2, () => this.#jumpClock()],
      [0.2, () => this.#rebootNode()],
      [0.3, () => this.#changeNode(this.#random.pick([...this.#limits.nodes.keys()]), this.#random.int(0, 4))],
      [0.1, () => this.#deleteMany()],
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
    this.#situations.note('a sandbox was killed')
    this.#hangUp(pod)
    pod.killSandbox()
  }

  #hangUp(pod: SimPod): void {
    for (const gate of pod.pendingGates) this.#leader?.hangUp(gate)
    if (pod.agent) this.#leader?.hangUpAgent(pod.agent)
  }

  #breakStream(pod: SimPod): void {
    this.#situations.note('a stream broke')
    const gates = pod.pendingGates
    this.#hangUp(pod)
    for (const gate of gates) gate.lost('the connection broke')
    pod.agent?.streamLost()
  }

  #crashAgent(pod: SimPod): void {
    if (!pod.agent?.isAlive) return
    this.#situations.note('an agent crashed')
    if (pod.agent) this.#leader?.hangUpAgent(pod.agent)
    for (const gate of pod.agent.asking) this.#leader?.hangUp(gate)
    pod.agent.crash()
  }

  /** All sandboxes of a node are made anew. */
  #rebootNode(): void {
    this.#situations.note('a node rebooted')
    const node = this.#random.pick([...this.#limits.nodes.keys()])
    for (const pod of this.#pods)
      if (pod.base.spec.nodeName === node && pod.sandbox > 0 && !pod.isOver) this.#killSandbox(pod)
  }

  #deleteMany(): void {
    this.#situations.note('many pods were deleted')
    for (const pod of this.#pods) if (!pod.isOver && this.#random.chance(0.5)) this.#delete(pod)
  }

  #delete(pod: SimPod): void {
    this.#situations.note('a pod was deleted')
    const gates = pod.pendingGates
    pod.isDeleted = true
    this.#api.deleting(pod)
    for (const gate of gates) this.#time.after(this.#random.int(0, 2_000), () => this.#leader?.hangUp(gate))
    this.#time.after(this.#random.int(500, 5_000), () => {
      pod.isGone = true
      this.#api.deleted(pod)
    })
  }

  #changeLimits(namespace: string, settings: NamespaceSettings): void {
    this.#situations.note('limits changed')
    if (Object.values(settings).includes(0)) this.#situations.note('a limit froze')
    this.#limits.namespaces.set(namespace, settings)
    this.#checker.rates.limitsChanged(namespace, this.#time.nowMs)
    this.#leader?.namespaceChanged(namespaceObject(namespace, settings))
  }

  /** The annotation of a node, which beats the chart. */
  #changeNode(name: string, annotation: number): void {
    const node = this.#limits.nodes.get(name)
    if (!node) return
    node.annotation = annotation
    this.#situations.note('limits changed')
    this.#showNode(name)
  }

  #loseNode(): void {
    const [name, node] = this.#random.pick([...this.#limits.nodes])
    if (node.isLost) return
    this.#situations.note('a node was lost')
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
    this.#leader?.nodeChanged(this.#node(name))
  }

  #calm(): void {
    for (const [name, { annotation }] of this.#limits.nodes) if (annotation === 0) this.#changeNode(name, 2)
    for (const namespace of this.#limits.namespaces.keys()) this.#changeLimits(namespace, { maxStarting: 2 })
  }

  /** Nothing may be left over for some time before it is over. */
  #lookWhetherOver(quietLooks: number): void {
    const isQuiet = this.#leader?.isLeading === true && this.#leftOver().length === 0
    this.#isQuiet = isQuiet && quietLooks + 1 >= QUIET_LOOKS
    this.#time.after(LOOK_MS, () => this.#lookWhetherOver(isQuiet ? quietLooks + 1 : 0))
  }

  /** What must not be there at the end. */
  #leftOver(): string[] {
    const left: string[] = []
    for (const pod of this.#pods) {
      if (pod.isOver) continue
      for (const { gate } of pod.pendingGates) {
        // A gate that the kubelet never came to may wait for ever: what stands before it never gets ready.
        if (pod.waiting?.gate === gate || pod.gateAtFifo === gate)
          left.push(`LostTicket: ${gate} of ${pod.uid} was never answered`)
      }
      const stuck = pod.sequence?.stages.find(s => s.gate === pod.gateAtFifo && s.dependsOn.every(d => pod.holds(d)))
      if (stuck) left.push(`Stuck: ${stuck.gate} of ${pod.uid} stays shut though its dependencies are met`)
    }
    for (const leak of heldAnywhere(this.#leader?.usage() ?? [])) left.push(`LeakedSlot: ${leak}`)
    for (const key of this.#leases.keys()) left.push(`LeakedLease: ${key}`)
    return left
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
