import type { AgentReport } from '../../core/lease-api.ts'
import type { FindWorkload } from '../lease-service/after/after-waits.ts'
import type { Patience } from '../pod/patience.ts'
import { step as waitStep } from '../pod/waiting.ts'
import type { SimAgent } from './agent.ts'
import type { AgentFaults } from './agent-host.ts'
import { SimApi } from './api.ts'
import { type Act, Chaos } from './chaos.ts'
import { Checker, heldAnywhere } from './checker.ts'
import type { SimContext } from './context.ts'
import type { SimGate } from './gate.ts'
import { SimLeaders } from './leaders.ts'
import { SimLeases } from './leases.ts'
import { SimPod, type SimWorld } from './pod.ts'
import { planPressure } from './pressure.ts'
import { randomCluster, randomPodCount, randomSize, type WorldSize } from './random-cluster.ts'
import { randomPod } from './random-pod.ts'
import type { LeaderFaults } from './service-deps.ts'
import { Situations } from './situations.ts'
import { Random, Timeline } from './timeline.ts'
import { planAuto, SimWaiters } from './waiters.ts'

/** What may be replaced to see whether the simulation finds the fault. */
export interface Faults extends LeaderFaults {
  waitStep?: typeof waitStep
  agent?: AgentFaults
}

/** What is left out of a world, to see whether it still shows a fault. */
export interface Cuts {
  /** No more pods than this. */
  pods?: number
  without?: ReadonlySet<Act>
}

export interface Outcome {
  /** Empty when all went as promised. */
  violations: string[]
  grants: number
}

const END_MS = 8_000_000
/** How often, and for how long, nothing must be left over before a world is at its end. */
const LOOK_MS = 5_000
const QUIET_LOOKS = 4

/**
 * Test support. Runs one random cluster, workload and course of events by seed: pods come and go, sandboxes die,
 * statuses come late, twice and stale, limits change, writes fail, leaders crash. Then calm returns, and every gate
 * must get its answer and every slot come back.
 */
export function simulate(
  seed: number,
  faults: Faults = {},
  situations = new Situations(),
  cuts: Cuts = {},
): Promise<Outcome> {
  return new Simulation(seed, faults, situations).run(cuts)
}

class Simulation {
  readonly #context: SimContext
  readonly #faults: Faults
  readonly #leaders: SimLeaders
  readonly #chaos: Chaos
  readonly #patience: Patience
  readonly #size: WorldSize
  /** When the last report of an agent arrives. */
  readonly #reportedAtMs = new WeakMap<SimAgent, number>()
  #isQuiet = false

  constructor(seed: number, faults: Faults, situations: Situations) {
    const time = new Timeline()
    const random = new Random(seed)
    const pressureRandom = new Random(~seed)
    situations.now = () => time.nowMs
    const leases = new SimLeases(time)
    const api = new SimApi({ time, random, situations, leases, leader: () => this.#leaders.leader })
    this.#patience = { failOpenAfterMs: random.pick([20_000, 60_000]), failOpenJitterMs: 60_000 }
    this.#size = randomSize(random)
    const { chaosMs } = this.#size
    const limits = randomCluster(random, chaosMs)
    planPressure(limits, time, pressureRandom, chaosMs)
    const autoRandom = planAuto(limits, new Random(seed ^ 0x5a5a5a5a))
    this.#context = {
      ...{ time, random, pressureRandom, situations, limits, leases, api },
      autoRandom,
      checker: new Checker(limits, line => situations.say(line)),
      pods: new Map(),
      imagesOn: node => getOrSet(limits.images, node, () => new Set()),
    }
    this.#faults = faults
    const { newLedger, newWriter } = faults
    this.#leaders = new SimLeaders(this.#context, this.#findWorkload, {
      ...(newLedger && { newLedger }),
      ...(newWriter && { newWriter }),
    })
    this.#chaos = new Chaos(this.#context, this.#leaders)
  }

  /** Deployments get ready at a time of their own; one is not there, and one never gets ready. */
  #findWorkload: FindWorkload = (_kind, _namespace, name) => {
    const readyAtMs = this.#context.limits.deploymentsReadyAtMs.get(name)
    if (readyAtMs === undefined) return 'Absent'
    const status = readyAtMs <= this.#context.time.nowMs ? 'True' : 'False'
    return { metadata: { name }, status: { availableReplicas: 1, conditions: [{ type: 'Available', status }] } }
  }

  async run({ pods = Number.POSITIVE_INFINITY, without = new Set<Act>() }: Cuts): Promise<Outcome> {
    const { time, random, autoRandom, limits, checker, situations } = this.#context
    const world = this.#world()
    const { chaosMs } = this.#size
    const { count, withinMs } = randomPodCount(random, this.#size, limits)
    for (let i = 0; i < count; i++) {
      const atMs = random.int(0, withinMs)
      if (i < pods) time.after(atMs, () => this.#createPod(i, world))
    }
    time.after(0, () => this.#leaders.takeOver())
    for (const atMs of limits.deploymentsReadyAtMs.values())
      if (Number.isFinite(atMs)) time.after(atMs, () => this.#leaders.leader?.workloadChanged())
    this.#chaos.plan(chaosMs, without)
    if (autoRandom) new SimWaiters(this.#context, this.#leaders, autoRandom).plan(chaosMs)
    time.after(chaosMs, () => {
      this.#chaos.calm()
      this.#lookWhetherOver(0)
    })
    await time.run(END_MS, () => checker.violations.length > 0 || this.#isQuiet)
    situations.note('a start without a slot took room', checker.debtsCounted)
    situations.note('a pull outlasted the one it rode on', checker.ridersLeft)
    if (checker.violations.length === 0) checker.violations.push(...this.#leftOver())
    return { violations: checker.violations, grants: checker.grants }
  }

  #world(): SimWorld {
    const { time, random, limits, api, checker, situations, imagesOn } = this.#context
    return {
      ...{ time, random, imagesOn },
      settleMs: limits.settings.settleMs,
      startTimeoutMs: limits.settings.startTimeoutMs,
      patience: this.#patience,
      waitStep: this.#faults.waitStep ?? waitStep,
      publish: pod => api.publish(pod),
      gateReady: gate => this.#connect(gate),
      hungUp: gate => this.#leaders.leader?.hangUp(gate),
      failedOpen: (pod, gate, attempt) => checker.failedOpen(pod, gate, attempt),
      agentReady: agent => this.#connectAgent(agent),
      report: (agent, reports) => this.#report(agent, reports),
      note: situation => situations.note(situation),
      pressureAsked: gate => this.#tellPressure(gate),
      violated: violation => checker.violations.push(violation),
      agentFaults: this.#faults.agent ?? {},
    }
  }

  #createPod(index: number, world: SimWorld): void {
    const { time, random, limits, pods, checker, api } = this.#context
    const pod = new SimPod(randomPod(index, time.nowMs, limits, random), world)
    pods.set(pod.uid, pod)
    checker.addPod(pod)
    api.publish(pod)
    time.after(random.int(100, 1_500), () => pod.isOver || pod.begin())
  }

  /** Cut off, as long as it lasts. */
  #isCutOff(nodeName = ''): boolean {
    const { limits, leases } = this.#context
    return limits.nodes.get(nodeName)?.isLost === true || leases.isDown
  }

  /** A gate's request goes to any replica; one that does not lead shows the way. */
  #connect(gate: SimGate): void {
    const { time, random, pods } = this.#context
    const { nonce } = gate
    time.after(random.int(5, 400), () => {
      if (!gate.isWaiting || gate.nonce !== nonce) return
      const pod = pods.get(gate.podUid)
      const { leader, term } = this.#leaders
      if (!pod || !leader || this.#isCutOff(pod.base.spec.nodeName)) gate.lost('nobody answers')
      else if (!gate.isDirected && random.chance(0.3)) gate.hear({ kind: 'leader', address: 'leader', term }, nonce)
      else leader.connect(pod, gate)
    })
  }

  #connectAgent(agent: SimAgent): void {
    const { time, random } = this.#context
    time.after(random.int(5, 400), () => {
      if (!agent.isAlive) return
      const { leader } = this.#leaders
      if (!leader || this.#isCutOff(agent.pod.base.spec.nodeName)) agent.streamLost()
      else leader.connectAgent(agent)
    })
  }

  /** May get lost; then the agent notices, and says all of it again on a new stream. */
  #report(agent: SimAgent, reports: AgentReport[]): void {
    const { time, random, situations, limits } = this.#context
    const node = limits.nodes.get(agent.pod.base.spec.nodeName ?? '')
    const isLost = random.chance(0.2)
    if (isLost) situations.note('a report was lost')
    // The agent sends one at a time (contact.ts), so none overtakes another.
    const atMs = Math.max(time.nowMs + random.int(5, 200), this.#reportedAtMs.get(agent) ?? 0)
    this.#reportedAtMs.set(agent, atMs)
    time.after(atMs - time.nowMs, () => {
      if (!agent.isAlive) return
      const { leader } = this.#leaders
      const noticed = () => time.after(random.int(0, 1_000), () => agent.streamLost())
      if (!isLost && !node?.isLost && leader) leader.report(agent, reports).catch(noticed)
      else noticed()
    })
  }

  /** Some time after it was asked. */
  #tellPressure(gate: SimGate): void {
    const { time, pressureRandom, pods } = this.#context
    time.after(pressureRandom.int(5, 500), () => {
      const pod = pods.get(gate.podUid)
      if (pod && gate.isWaiting) this.#leaders.leader?.tellPressure(pod)
    })
  }

  /** Nothing may be left over for some time before it is over. */
  #lookWhetherOver(quietLooks: number): void {
    const isQuiet = this.#leaders.leader?.isLeading === true && this.#leftOver().next().done === true
    this.#isQuiet = isQuiet && quietLooks + 1 >= QUIET_LOOKS
    this.#context.time.after(LOOK_MS, () => this.#lookWhetherOver(isQuiet ? quietLooks + 1 : 0))
  }

  /** What must not be there at the end; what costs most to look at comes last. */
  *#leftOver(): Generator<string> {
    for (const pod of this.#context.pods.values()) {
      if (pod.isOver) continue
      for (const { gate } of pod.pendingGates) {
        // A gate that the kubelet never came to may wait for ever: what stands before it never gets ready.
        if (pod.gates.waiting?.gate === gate || pod.gates.atFifo === gate)
          yield `LostTicket: ${gate} of ${pod.uid} was never answered`
      }
      const stuck = pod.sequence?.stages.find(s => s.gate === pod.gates.atFifo && s.dependsOn.every(d => pod.holds(d)))
      if (stuck) yield `Stuck: ${stuck.gate} of ${pod.uid} stays shut though its dependencies are met`
    }
    for (const key of this.#context.leases.keys()) yield `LeakedLease: ${key}`
    for (const leak of heldAnywhere(this.#leaders.leader?.usage() ?? [])) yield `LeakedSlot: ${leak}`
  }
}

function getOrSet<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}
