import type { AgentReport, ContainerSight } from '../../core/lease-api.ts'
import type { GateName } from '../../core/names.ts'
import type { Dependency, Sequence, Stage } from '../../core/sequence.ts'
import type { GateRun, SimPod } from './simulation-pod.ts'

/** Faults of an agent that the checks must find. */
export interface AgentFaults {
  /** Does not see READY=1. */
  losesNotify?: boolean
  /** Says what it knows once, and not again on a new connection. */
  reportsOnce?: boolean
  skipsDependency?: boolean
  /** Takes the gates it opened in an earlier run for open. */
  opensTwice?: boolean
}

/** What an agent writes into the shared emptyDir: it outlives the agent and the sandbox. */
export interface AgentFile {
  attempt: number
  opened: Set<GateName>
  ready: Set<string>
}

/**
 * Test support. A model of the agent of one sandbox: what it sees, asks for and opens; it may crash, and then knows only its file.
 * Half of the agents ask for a stage as soon as its dependencies are met, the others when its gate is there.
 */
export class SimAgent {
  readonly pod: SimPod
  readonly attempt: number
  readonly #sequence: Sequence
  readonly #file: AgentFile
  readonly #faults: AgentFaults
  readonly #isEager: boolean
  readonly #sandbox: number
  readonly #asking = new Map<GateName, GateRun>()
  #sights: Record<string, ContainerSight> = {}
  #settled = new Set<string>()
  #life = 1
  #isUp = true

  constructor(pod: SimPod, sequence: Sequence, attempt: number) {
    this.pod = pod
    this.attempt = attempt
    this.#sequence = sequence
    this.#faults = pod.world.agentFaults
    this.#sandbox = pod.sandbox
    this.#isEager = pod.world.random.chance(0.5)
    const { agentFile } = pod
    if (agentFile.attempt !== attempt) {
      agentFile.attempt = attempt
      agentFile.ready.clear()
      if (!this.#faults.opensTwice) agentFile.opened.clear()
    }
    this.#file = agentFile
    pod.world.agentReady(this)
  }

  get isAlive(): boolean {
    return this.#isUp && this.pod.sandbox === this.#sandbox && !this.pod.isOver
  }

  /** Questions without an answer yet. */
  get asking(): GateRun[] {
    return this.isAlive ? [...this.#asking.values()] : []
  }

  /** All it knows; said at each connect. */
  reports(): AgentReport[] {
    return this.#faults.reportsOnce ? [] : [...this.#file.ready].map(container => ({ container, state: 'ready' }))
  }

  /** Word from the lease service. */
  see(containers: Record<string, ContainerSight>): void {
    if (!this.isAlive) return
    this.#sights = containers
    for (const [name, { state, id = '' }] of Object.entries(containers)) {
      const key = `${name} ${id}`
      if (state !== 'running' || this.#sequence.readiness[name]?.type !== 'simple' || this.#settled.has(key)) continue
      this.#later(this.pod.world.settleMs, () => {
        this.#settled.add(key)
        this.#look()
      })
    }
    this.#look()
  }

  /** READY=1 from a container; false when nobody reads. */
  notify(container: string): boolean {
    if (!this.isAlive || this.#faults.losesNotify) return this.isAlive
    this.#file.ready.add(container)
    const report: AgentReport = { container, state: 'ready' }
    if (this.pod.world.random.chance(0.1))
      this.pod.world.report(this, [{ container, state: 'starting', extendUntilMs: 9_000 }])
    this.pod.world.report(this, [report])
    this.#look()
    return true
  }

  /** The kubelet has started a gate: somebody reads its FIFO. */
  gateRuns(): void {
    this.#look()
  }

  crash(): void {
    if (!this.isAlive) return
    this.#isUp = false
    this.#life += 1
    this.#asking.clear()
    this.#sights = {}
    this.#settled = new Set()
    const { time, random, agentReady } = this.pod.world
    time.after(random.int(100, 13_000), () => {
      this.#isUp = true
      if (this.isAlive) agentReady(this)
    })
  }

  #look(): void {
    if (!this.isAlive) return
    for (const stage of this.#sequence.stages) {
      const { gate } = stage
      if (this.#file.opened.has(gate)) this.pod.openGate(gate)
      else if (!this.#asking.has(gate) && (this.#isEager || this.pod.gateAtFifo === gate) && this.#isDue(stage))
        this.#ask(gate)
    }
  }

  #isDue({ dependsOn }: Stage): boolean {
    const asked = this.#faults.skipsDependency ? dependsOn.slice(1) : dependsOn
    return asked.every(dependency => this.#holds(dependency))
  }

  #holds({ container, condition }: Dependency): boolean {
    const { state, id = '', started, ready, exitCode } = this.#sights[container] ?? { state: 'waiting' }
    if (condition === 'started') return state === 'running'
    if (condition === 'completed') return state === 'terminated' && exitCode === 0
    switch (this.#sequence.readiness[container]?.type) {
      case 'simple':
        return this.#settled.has(`${container} ${id}`)
      case 'probe':
        return state === 'running' && started === true && ready === true
      default:
        return this.#file.ready.has(container)
    }
  }

  #ask(gate: GateName): void {
    const life = this.#life
    const run: GateRun = {
      gate,
      attempt: this.attempt,
      isWaiting: () => this.isAlive && life === this.#life && this.#asking.get(gate) === run,
      answer: () => {
        if (!run.isWaiting()) return false
        this.#asking.delete(gate)
        this.pod.grantedGates.add(gate)
        this.#later(this.pod.world.random.int(1, 50), () => {
          // Written before the gate is told: an agent that crashes in between opens it when it is back.
          this.#file.opened.add(gate)
          this.#look()
        })
        return true
      },
      askAgain: () => this.pod.world.gateReady(this.pod, run),
    }
    this.#asking.set(gate, run)
    this.pod.world.gateReady(this.pod, run)
  }

  #later(delayMs: number, act: () => void): void {
    const life = this.#life
    this.pod.world.time.after(delayMs, () => this.isAlive && life === this.#life && act())
  }
}
