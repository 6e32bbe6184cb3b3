import type { GateVerdict } from '../../core/lease-api.ts'
import { AGENT, type GateName, PULL_GATE } from '../../core/names.ts'
import { isSidecarGate } from '../../core/passed-gates.ts'
import type { Container, Pod } from '../../core/pod.ts'
import { isSequenceGate } from '../../core/sequence.ts'
import { attemptOf } from '../pod/runs.ts'
import { SimAgent } from './agent.ts'
import type { AgentFile, AgentHost } from './agent-host.ts'
import type { AppContainers } from './app-containers.ts'
import { SimGate } from './gate.ts'
import type { PodRuntime, RuntimeWorld } from './pod-runtime.ts'
import type { SandboxGates } from './sandbox-gates.ts'

const IMAGE_STEP = /^startgate-image-/

/**
 * Test support. The init containers of one pod, which its kubelet runs in order: gates, the agent, image steps, and the
 * containers of a sequence among them. Then come the app containers.
 */
export class InitContainers implements AgentHost<SimAgent> {
  readonly gates: SandboxGates
  readonly agentFile: AgentFile = { marks: new Set() }
  agent: SimAgent | undefined
  /** The last image step has started in this sandbox, or a pull failed. */
  isPulled = false
  readonly #runtime: PodRuntime
  readonly #apps: AppContainers
  readonly #failedOpen: (gate: GateName, attempt: number) => void
  /** Runs of the pod, counted by its gates. */
  readonly #passes = { pull: 0, start: 0 }

  /** `failedOpen`: told of each gate that lets the pod go without a grant. */
  constructor(
    runtime: PodRuntime,
    gates: SandboxGates,
    apps: AppContainers,
    failedOpen: (gate: GateName, attempt: number) => void,
  ) {
    this.#runtime = runtime
    this.gates = gates
    this.#apps = apps
    this.#failedOpen = failedOpen
  }

  get uid(): string {
    return this.#runtime.uid
  }

  get base(): Pod {
    return this.#runtime.base
  }

  get world(): RuntimeWorld {
    return this.#runtime.world
  }

  get sandbox(): number {
    return this.#runtime.sandbox
  }

  get isOver(): boolean {
    return this.#runtime.isOver
  }

  get #all(): Container[] {
    return this.base.spec.initContainers ?? []
  }

  /** In a sandbox that has just been made. */
  begin(): void {
    this.isPulled = !this.#all.some(c => IMAGE_STEP.test(c.name))
    this.#runFrom(0)
  }

  /** The agent says `go` to a gate; nobody hears it while that gate does not run. */
  openGate(gate: GateName, verdict: GateVerdict): void {
    const { gates, world } = this
    if (gates.atFifo !== gate) return
    gates.atFifo = undefined
    if (verdict.verdict === 'failed-open') this.#failOpen(gate, verdict)
    this.#runtime.later(1, 200, () => {
      if (verdict.verdict === 'granted' && !gates.granted.has(gate))
        world.violated(`Ungated: ${gate} of ${this.uid} was opened without a grant`)
      gates.passedAtMs.set(gate, world.time.nowMs)
      this.#mark('passed', gate)
      this.#endGate(gate, verdict)
    })
  }

  /** Whatever was said while no agent listened is lost, and it may have been READY=1. */
  agentGone(): void {
    const { sequence, truth: truths } = this.#runtime
    for (const { gate, containers } of sequence?.stages ?? []) {
      if (!this.gates.granted.has(gate) && !this.gates.failedOpen.has(gate)) continue
      for (const name of containers) {
        const truth = truths.get(name)
        if (truth && truth.heardAtMs === undefined) truth.isUnsure = true
      }
    }
  }

  #runFrom(index: number): void {
    const container = this.#all[index]
    const runtime = this.#runtime
    const next = (): void => runtime.later(0, 1_000, () => this.#runFrom(index + 1))
    if (!container) runtime.later(50, 400, () => this.#apps.startAll())
    else if (container.name === AGENT) this.#runAgent(next)
    else if (runtime.sequence && isSequenceGate(container.name)) this.#runStageGate(container.name)
    else if (container.name === PULL_GATE || isSequenceGate(container.name)) this.#runGate(container.name)
    else if (runtime.truth.has(container.name)) runtime.later(50, 300, () => this.#apps.start(container, next))
    else if (IMAGE_STEP.test(container.name)) this.#pull(container, 0, next)
    else {
      runtime.run(container.name)
      runtime.later(100, 4_000, () => {
        runtime.end(container.name, 0)
        next()
      })
    }
  }

  /** A gate that asks for its own slots. */
  #runGate(gate: GateName): void {
    this.#runtime.run(gate)
    const { sandbox, uid: podUid } = this
    const isAlive = (): boolean => sandbox === this.sandbox && !this.isOver
    const onVerdict = (verdict: GateVerdict): void => this.#letGo(gate, verdict)
    const attempt = attemptOf(gate, this.#passes)
    const { isLost } = this.gates
    this.gates.waiting = new SimGate({ podUid, gate, attempt, isLost, isAlive, onVerdict }, this.world)
  }

  #letGo(gate: GateName, verdict: GateVerdict): void {
    this.gates.waiting = undefined
    this.gates.isLost = verdict.verdict === 'failed-open'
    if (this.gates.isLost) this.#failOpen(gate, verdict)
    this.#runtime.later(50, 500, () => {
      // Marked before it ends, as the gate does, so that the next sandbox counts on.
      this.#passes[gate === PULL_GATE ? 'pull' : 'start'] = verdict.attempt ?? 1
      this.#endGate(gate, verdict)
    })
  }

  /** With its verdict as the last word, and the next container after it. */
  #endGate(gate: GateName, verdict: GateVerdict): void {
    const runtime = this.#runtime
    const index = this.#all.findIndex(c => c.name === gate)
    const container = this.#all[index]
    if (container && isSidecarGate(container)) this.#staysAfter(gate, verdict)
    else runtime.end(gate, 0, JSON.stringify(verdict))
    runtime.later(0, 1_000, () => this.#runFrom(index + 1))
  }

  /** One that failed open ends once more, to leave its word; others may crash, and have passed all the same. */
  #staysAfter(gate: GateName, verdict: GateVerdict): void {
    const runtime = this.#runtime
    const { random } = this.world
    const started = { started: true, ready: true }
    const failedOpen = verdict.verdict === 'failed-open'
    runtime.update(gate, started)
    if (!failedOpen && !random.chance(0.2)) return
    runtime.later(3_000, 4_000, () => {
      if (failedOpen) runtime.end(gate, 0, JSON.stringify(verdict))
      else runtime.end(gate, 137)
      runtime.later(100, 12_000, () => {
        runtime.run(gate)
        runtime.update(gate, started)
      })
    })
  }

  #failOpen(gate: GateName, { attempt = 1 }: GateVerdict): void {
    this.world.note('a gate failed open')
    this.gates.failedOpen.add(gate)
    this.#failedOpen(gate, attempt)
  }

  #runAgent(next: () => void): void {
    const { sequence } = this.#runtime
    if (!sequence) return
    this.#runtime.run(AGENT)
    this.agent = new SimAgent(this, sequence, this.#passes.pull)
    next()
  }

  /** A gate that its agent asks for. */
  #runStageGate(gate: GateName): void {
    this.#runtime.run(gate)
    const container = this.#all.find(c => c.name === gate)
    // What a kubelet says that was started anew.
    if (container && isSidecarGate(container) && this.world.random.chance(0.2))
      this.#runtime.update(gate, { started: true, ready: true })
    this.gates.atFifo = gate
    this.#mark('here', gate)
  }

  #mark(kind: 'here' | 'passed', gate: GateName): void {
    this.agentFile.marks.add(`${gate} ${kind} ${this.#passes.pull}`)
    this.agent?.marked(kind, gate)
  }

  #pull(container: Container, failures: number, next: () => void): void {
    const runtime = this.#runtime
    const { random } = this.world
    const { images } = runtime
    const image = container.image ?? ''
    const isBad = !images.has(image) && failures < 3 && random.chance(image.includes('bad') ? 0.7 : 0)
    runtime.wait(container.name, 'PodInitializing')
    runtime.later(images.has(image) ? 20 : 500, images.has(image) ? 100 : 8_000, () => {
      if (isBad) {
        this.world.note('a pull backed off')
        this.isPulled = true
        runtime.wait(container.name, random.pick(['ErrImagePull', 'ImagePullBackOff']))
        runtime.later(8_000, 12_000, () => this.#pull(container, failures + 1, next))
        return
      }
      images.add(image)
      runtime.run(container.name)
      if (this.#all.findLast(c => IMAGE_STEP.test(c.name)) === container) this.isPulled = true
      runtime.later(50, 300, () => {
        runtime.end(container.name, 0)
        next()
      })
    })
  }
}
