import type { GateVerdict } from '../../core/lease-api.ts'
import { AGENT, type GateName, PULL_GATE } from '../../core/names.ts'
import type { Container, ContainerState, ContainerStatus, Pod } from '../../core/pod.ts'
import { type Dependency, isSequenceGate, type Sequence, type Stage } from '../../core/sequence.ts'
import { statusOf } from '../lease-service/pods/container-status.ts'
import { containerOf, sequenceOf } from '../lease-service/pods/pod-sequence.ts'
import type { StartedCondition } from '../lease-service/pods/started-condition.ts'
import { attemptOf } from '../pod/runs.ts'
import { type AgentFile, type AgentHost, type AgentWorld, SimAgent } from './agent.ts'
import { SimGate } from './gate.ts'
import { SimStatuses } from './statuses.ts'

/** What becomes of an app container after it starts. */
export type Fate = 'ready' | 'flap' | 'crash' | 'never' | 'exit' | 'third-try'
const FATES: readonly Fate[] = ['ready', 'ready', 'ready', 'flap', 'crash', 'never', 'exit']
/** Of containers that others wait for: most get ready in the end. */
const MOVED_FATES: readonly Fate[] = ['ready', 'ready', 'ready', 'flap', 'never', 'third-try', 'third-try']

export interface SimWorld extends AgentWorld {
  /** Images truly on a node. */
  imagesOn: (node: string) => Set<string>
  /** The kubelet has a new status for the API server. */
  publish: (pod: SimPod) => void
  /** A gate let its pod go without a grant. */
  failedOpen: (pod: SimPod, gate: GateName) => void
}

interface AppTruth {
  runningSinceMs?: number
  /** The run of now: restarts have one, too. */
  run?: { id: string; sinceMs: number; isPast: boolean; isShown: boolean; isAgeUnsure: boolean }
  /** Ready once, ended, or in back-off: holds no slot by the design's word. */
  isPast: boolean
  /** Ready once, by the container's own kind; what notifies has been heard. */
  isReady?: boolean
  heardAtMs?: number
  isCompleted?: boolean
  /** Its agent was away while it may have said so: after the start timeout it is taken for ready. */
  isUnsure?: boolean
  /** When a leader was first shown that it runs. */
  shownAtMs?: number
}

const INIT_STEP = /^startgate-image-/

/** A container starts this long, at most, after the word to its gate. */
export const MAX_OPENING_MS = 5_000

/** The kubelet's stamps have whole seconds, so that a run may look so much older. */
const STAMP_MS = 1_000

/**
 * Test support. One pod and what the kubelet does with it: gates, image steps, containers, crashes, a sandbox made anew whose
 * statuses mislead. What is true is in fields; what the API server gets to see is `snapshot()`.
 */
export class SimPod implements AgentHost {
  readonly base: Pod
  readonly uid: string
  readonly world: SimWorld
  /** Number of the sandbox; anything planned for an earlier one does not happen. */
  sandbox = 0
  waiting: SimGate | undefined
  isDeleted = false
  isGone = false
  isFinished = false
  /** By app container, in this sandbox. */
  truth = new Map<string, AppTruth>()
  /** The last image step has started in this sandbox, or a pull failed. */
  isPulled = false
  /** Of a sequenced pod. */
  readonly sequence: Sequence | undefined
  agent: SimAgent | undefined
  readonly agentFile: AgentFile = { marks: new Set() }
  /** The stage gate that runs and reads its FIFO. */
  gateAtFifo: GateName | undefined
  /** Stage gates that got their slots in this sandbox, and those that have ended. */
  readonly grantedGates = new Set<GateName>()
  readonly passedGates = new Map<GateName, number>()
  /** Those that went without a grant. */
  readonly failedOpenGates = new Set<GateName>()
  /** The last gate of this run failed open. */
  isLost = false
  #condition: StartedCondition | undefined
  /** Of what is published. */
  #version = 0
  readonly #tries = new Map<string, number>()
  readonly #passes = { pull: 0, start: 0 }
  readonly #statuses: SimStatuses
  readonly #fates = new Map<string, Fate>()

  constructor(base: Pod, world: SimWorld) {
    this.base = base
    this.uid = base.metadata.uid ?? ''
    this.world = world
    this.#statuses = new SimStatuses(base, world.time)
    this.sequence = sequenceOf(base)
    for (const { name } of base.spec.containers) this.#fates.set(name, world.random.pick(FATES))
    for (const name of this.starters) {
      const isMoved = !base.spec.containers.some(c => c.name === name)
      if (isMoved) this.#fates.set(name, world.random.pick(MOVED_FATES))
    }
  }

  /** All containers that take start slots. */
  get starters(): string[] {
    return this.sequence?.stages.flatMap(s => s.containers) ?? this.base.spec.containers.map(c => c.name)
  }

  /** Gates, and the agent's questions, that have no answer yet. */
  get pendingGates(): SimGate[] {
    return [...(this.waiting?.isWaiting ? [this.waiting] : []), ...(this.agent?.asking ?? [])]
  }

  get isOver(): boolean {
    return this.isDeleted || this.isGone || this.isFinished
  }

  snapshot(): Pod {
    this.#version += 1
    return {
      ...this.base,
      metadata: { ...this.base.metadata, resourceVersion: `${this.#version}` },
      status: {
        phase: this.isFinished ? 'Succeeded' : this.#isRunning ? 'Running' : 'Pending',
        conditions: this.#condition ? [this.#condition] : [],
        initContainerStatuses: this.#statuses.of(this.base.spec.initContainers),
        containerStatuses: this.#statuses.of(this.base.spec.containers),
      },
    }
  }

  /** The lease service has written it into the pod's status. */
  setCondition(condition: StartedCondition): void {
    if (JSON.stringify(condition) === JSON.stringify(this.#condition)) return
    this.#condition = condition
    if (!this.isOver) this.world.publish(this)
  }

  /** All init containers are done, and a container of the pod has run; a sandbox that was made anew changes that. */
  get #isRunning(): boolean {
    return this.base.spec.containers.some(({ name }) => this.truth.get(name)?.runningSinceMs !== undefined)
  }

  /** The leader has been shown this view. `isAgeUnsure`: by a clock that is off it judges how old it all is. */
  showed(view: Pod, isAgeUnsure: boolean): void {
    for (const [name, truth] of this.truth) {
      const { run } = truth
      const status = run && statusOf(view, name)
      if (!run) continue
      run.isShown = status?.state?.running !== undefined && status.containerID === run.id
      run.isAgeUnsure ||= isAgeUnsure
      if (run.isShown) truth.shownAtMs ??= this.world.time.nowMs
    }
  }

  /** Containers that are starting, and of which the leader can tell by their probes or by nobody's word. */
  startingShown(nowMs: number): string[] {
    return [...this.truth].flatMap(([name, { run, isUnsure }]) => {
      if (!run?.isShown || run.isPast || run.isAgeUnsure) return []
      const isStarting = nowMs < run.sinceMs + this.world.startTimeoutMs - STAMP_MS
      return isStarting && !isUnsure && this.#tellsWhenReady(name) ? [name] : []
    })
  }

  /** When the gate before a container of a sequence ended, in this sandbox. */
  openedAtMs(name: string): number | undefined {
    const stage = this.sequence?.stages.find(s => s.containers.includes(name))
    return stage && this.passedGates.get(stage.gate)
  }

  #tellsWhenReady(name: string): boolean {
    const kind = this.sequence?.readiness[name]?.type
    if (kind) return kind === 'probe' || kind === 'notify'
    const container = containerOf(this.base, name)
    return container?.startupProbe !== undefined || container?.readinessProbe !== undefined
  }

  /** A sandbox begins: all init containers run in order. */
  begin(): void {
    this.sandbox += 1
    this.truth = new Map(this.starters.map(name => [name, { isPast: false }]))
    this.gateAtFifo = undefined
    this.grantedGates.clear()
    this.passedGates.clear()
    this.failedOpenGates.clear()
    this.isLost = false
    this.#tries.clear()
    this.isPulled = !(this.base.spec.initContainers ?? []).some(c => INIT_STEP.test(c.name))
    this.#runInit(0)
  }

  /** The sandbox dies, and another begins some seconds later. The statuses stay as they were, or worse. */
  killSandbox(): void {
    const { random } = this.world
    this.sandbox += 1
    this.waiting = undefined
    const look = random.pick(['untouched', 'killed', 'lost'] as const)
    for (const truth of this.truth.values()) delete truth.run
    this.#statuses.sandboxDied(look)
    this.world.publish(this)
    const { sandbox } = this
    this.world.time.after(random.int(1_500, 6_000), () => sandbox === this.sandbox && !this.isOver && this.begin())
  }

  /** The agent says `go` to a gate; nobody hears it while that gate does not run. */
  openGate(gate: GateName, verdict: GateVerdict): void {
    if (this.gateAtFifo !== gate) return
    this.gateAtFifo = undefined
    if (verdict.verdict === 'failed-open') this.#failOpen(gate)
    this.#later(1, 200, () => {
      if (verdict.verdict === 'granted' && !this.grantedGates.has(gate))
        this.world.violated(`Ungated: ${gate} of ${this.uid} was opened without a grant`)
      this.passedGates.set(gate, this.world.time.nowMs)
      this.#mark('passed', gate)
      this.#end(gate, 0, JSON.stringify(verdict))
      this.#later(0, 1_000, () => this.#runInit(this.#indexOf(gate) + 1))
    })
  }

  /** Whatever was said while no agent listened is lost, and it may have been READY=1. */
  agentGone(): void {
    for (const { gate, containers } of this.sequence?.stages ?? []) {
      if (!this.grantedGates.has(gate) && !this.failedOpenGates.has(gate)) continue
      for (const name of containers) {
        const truth = this.truth.get(name)
        if (truth && truth.heardAtMs === undefined) truth.isUnsure = true
      }
    }
  }

  #failOpen(gate: GateName): void {
    this.world.note('a gate failed open')
    this.failedOpenGates.add(gate)
    this.world.failedOpen(this, gate)
  }

  #mark(kind: 'here' | 'passed', gate: GateName): void {
    this.agentFile.marks.add(`${gate} ${kind} ${this.#passes.pull}`)
    this.agent?.marked(kind, gate)
  }

  #letGo(gate: GateName, verdict: GateVerdict): void {
    this.waiting = undefined
    this.isLost = verdict.verdict === 'failed-open'
    if (this.isLost) this.#failOpen(gate)
    this.#later(50, 500, () => {
      // Marked before it ends, as the gate does, so that the next sandbox counts on.
      this.#passes[gate === PULL_GATE ? 'pull' : 'start'] = verdict.attempt ?? 1
      this.#end(gate, 0, JSON.stringify(verdict))
      this.#later(0, 1_000, () => this.#runInit(this.#indexOf(gate) + 1))
    })
  }

  #indexOf(name: string): number {
    return (this.base.spec.initContainers ?? []).findIndex(c => c.name === name)
  }

  #runInit(index: number): void {
    const container = this.base.spec.initContainers?.[index]
    const next = (): void => this.#later(0, 1_000, () => this.#runInit(index + 1))
    if (!container) this.#later(50, 400, () => this.#runApp(0))
    else if (container.name === AGENT) this.#runAgent(next)
    else if (this.sequence && isSequenceGate(container.name)) this.#runStageGate(container.name)
    else if (container.name === PULL_GATE || isSequenceGate(container.name)) this.#runGate(container.name)
    else if (this.truth.has(container.name)) this.#later(50, 300, () => this.#start(container, next))
    else if (INIT_STEP.test(container.name)) this.#pull(container, 0, next)
    else {
      this.#run(container.name)
      this.#later(100, 4_000, () => {
        this.#end(container.name, 0)
        next()
      })
    }
  }

  #runGate(gate: GateName): void {
    this.#run(gate)
    const { sandbox } = this
    const isAlive = (): boolean => sandbox === this.sandbox && !this.isOver
    const onVerdict = (verdict: GateVerdict): void => this.#letGo(gate, verdict)
    const attempt = attemptOf(gate, this.#passes)
    const { uid: podUid, isLost } = this
    this.waiting = new SimGate({ podUid, gate, attempt, isLost, isAlive, onVerdict }, this.world)
  }

  #runAgent(next: () => void): void {
    if (!this.sequence) return
    this.#run(AGENT)
    this.agent = new SimAgent(this, this.sequence, this.#passes.pull)
    next()
  }

  #runStageGate(gate: GateName): void {
    this.#run(gate)
    this.gateAtFifo = gate
    this.#mark('here', gate)
  }

  #pull(container: Container, failures: number, next: () => void): void {
    const { random, imagesOn } = this.world
    const images = imagesOn(this.base.spec.nodeName ?? '')
    const image = container.image ?? ''
    const isBad = !images.has(image) && failures < 3 && random.chance(image.includes('bad') ? 0.7 : 0)
    this.#record(container.name, { waiting: { reason: 'PodInitializing' } })
    this.#later(images.has(image) ? 20 : 500, images.has(image) ? 100 : 8_000, () => {
      if (isBad) {
        this.world.note('a pull backed off')
        this.isPulled = true
        this.#record(container.name, { waiting: { reason: random.pick(['ErrImagePull', 'ImagePullBackOff']) } })
        this.#later(8_000, 12_000, () => this.#pull(container, failures + 1, next))
        return
      }
      images.add(image)
      const steps = (this.base.spec.initContainers ?? []).filter(c => INIT_STEP.test(c.name))
      this.#run(container.name)
      if (steps.at(-1) === container) this.isPulled = true
      this.#later(50, 300, () => {
        this.#end(container.name, 0)
        next()
      })
    })
  }

  #runApp(index: number): void {
    const container = this.base.spec.containers[index]
    if (!container) return
    const isSlow = this.world.random.chance(0.05)
    if (isSlow) this.world.note('a container started late')
    this.#later(isSlow ? 10_000 : 50, isSlow ? 60_000 : 300, () => {
      this.#start(container)
      this.#runApp(index + 1)
    })
  }

  /** `next`: what the kubelet does when a container among the init containers has started, or completed. */
  #start(container: Container, next: () => void = () => undefined): void {
    const { name } = container
    const truth = this.truth.get(name) ?? { isPast: false }
    const fate = this.#fates.get(name) ?? 'ready'
    const past = (): void => {
      truth.isPast = true
      if (truth.run) truth.run.isPast = true
    }
    this.#checkOrder(name)
    truth.runningSinceMs ??= this.world.time.nowMs
    this.#run(name)
    const kind = this.sequence?.readiness[name]?.type
    const isProbed = container.startupProbe !== undefined || container.readinessProbe !== undefined
    const probed = (ready: boolean) => this.#update(name, { ready, started: ready || !container.startupProbe })
    probed(!isProbed)
    if (kind) {
      this.#runStaged(container, { truth, fate, next, probed })
      return
    }
    if (!isProbed) this.#later(this.world.settleMs, this.world.settleMs, past)
    if (fate === 'crash') this.#later(200, 6_000, () => this.#crash(container, past))
    else if (fate === 'exit')
      this.#later(200, 9_000, () => {
        past()
        this.#end(name, 0)
        this.#finishIfDone()
      })
    else if (fate !== 'never' && isProbed)
      this.#later(300, 15_000, () => {
        past()
        probed(true)
        if (fate === 'flap') this.#later(500, 5_000, () => this.#update(name, { ready: false }))
      })
  }

  /** A container of a sequenced pod: gets ready in its own way, or not. */
  #runStaged(
    container: Container,
    run: { truth: AppTruth; fate: Fate; next: () => void; probed: (ready: boolean) => void },
  ): void {
    const { name } = container
    const { truth, fate, next, probed } = run
    const { time, settleMs } = this.world
    const kind = this.sequence?.readiness[name]?.type
    const tries = (this.#tries.get(name) ?? 0) + 1
    this.#tries.set(name, tries)
    const isSidecar = kind !== 'completed'
    // The kubelet goes on when a sidecar's startup probe, if it has one, has succeeded.
    if (isSidecar && !container.startupProbe) next()
    if ((fate === 'crash' || fate === 'third-try') && tries < 3) {
      this.#later(100, 4_000, () =>
        this.#dieAndComeBack(container, truth, isSidecar && !container.startupProbe ? undefined : next),
      )
      return
    }
    if (kind === 'completed') {
      this.#later(200, 9_000, () => {
        truth.isPast = true
        truth.isCompleted = true
        this.#end(name, 0)
        next()
      })
      return
    }
    const ready = (): void => {
      truth.isPast = true
      if (truth.run) truth.run.isPast = true
      truth.isReady = true
    }
    if (kind === 'simple') this.#later(settleMs, settleMs, ready)
    if (fate === 'never' || fate === 'exit') return
    this.#later(300, 12_000, () => {
      if (kind === 'notify') {
        truth.isReady = true
        if (truth.run) truth.run.isPast = true
        if (this.agent?.notify(name)) {
          truth.isPast = true
          truth.heardAtMs ??= time.nowMs
        }
      }
      if (kind === 'probe') ready()
      probed(true)
      if (container.startupProbe) next()
      if (fate === 'flap' && kind !== 'probe') this.#later(500, 5_000, () => this.#update(name, { ready: false }))
    })
  }

  #dieAndComeBack(container: Container, truth: AppTruth, next: (() => void) | undefined): void {
    const { name } = container
    truth.isPast = true
    this.#end(name, 1)
    this.#later(100, 2_000, () => {
      const ended = this.#statuses.stateOf(name) ?? {}
      this.#record(name, { waiting: { reason: 'CrashLoopBackOff' } }, ended)
      this.#later(1_000, 12_000, () => this.#start(container, next))
    })
  }

  /** What a container comes after must truly be so, in this very sandbox. */
  #checkOrder(name: string): void {
    const stage = this.sequence?.stages.find(s => s.containers.includes(name))
    for (const dependency of stage?.dependsOn ?? []) {
      if (stage && !this.holds(dependency) && !this.#isTakenForReady(dependency, stage))
        this.world.violated(
          `OrderBroken: ${name} of ${this.uid} started before ${dependency.container} was ${dependency.condition}`,
        )
    }
  }

  /** What nobody can tell any more, or not without the lease service, counts as ready after the start timeout. */
  #isTakenForReady({ container }: Dependency, { gate }: Stage): boolean {
    const { isUnsure, runningSinceMs = Number.POSITIVE_INFINITY } = this.truth.get(container) ?? {}
    const isLate = runningSinceMs + this.world.startTimeoutMs <= this.world.time.nowMs + MAX_OPENING_MS
    return isLate && (isUnsure === true || this.failedOpenGates.has(gate))
  }

  /** Whether a condition is truly met, once at least, in this sandbox. */
  holds({ container, condition }: Dependency): boolean {
    const truth = this.truth.get(container)
    if (condition === 'started') return truth?.runningSinceMs !== undefined
    if (condition === 'completed') return truth?.isCompleted === true
    // Nobody but a status tells that it crashed within its settle time, and that may come late.
    if (this.sequence?.readiness[container]?.type === 'simple')
      return (truth?.runningSinceMs ?? Number.POSITIVE_INFINITY) + this.world.settleMs <= this.world.time.nowMs
    return truth?.isReady === true
  }

  /** A crash, a restart that nobody gates, another crash, back-off. */
  #crash({ name }: Container, past: () => void): void {
    this.world.note('a container crashed')
    past()
    this.#end(name, 1)
    this.#later(20, 1_000, () => {
      this.#run(name)
      // Some start for long after a restart.
      if (this.world.random.chance(0.5)) {
        this.#later(5_000, 40_000, () => {
          past()
          this.#update(name, { ready: true, started: true })
        })
        return
      }
      past()
      this.#update(name, { ready: this.world.random.chance(0.5) })
      this.#later(200, 3_000, () => {
        this.#end(name, 1)
        const ended = this.#statuses.stateOf(name) ?? {}
        this.#record(name, { waiting: { reason: 'CrashLoopBackOff' } }, ended)
      })
    })
  }

  #finishIfDone(): void {
    const isDone = this.base.spec.containers.every(c => this.#statuses.stateOf(c.name)?.terminated?.exitCode === 0)
    if (!isDone || this.base.spec.restartPolicy !== 'Never') return
    this.isFinished = true
    this.world.publish(this)
  }

  #later(fromMs: number, toMs: number, act: () => void): void {
    const { sandbox } = this
    this.world.time.after(this.world.random.int(fromMs, toMs), () => sandbox === this.sandbox && !this.isOver && act())
  }

  #run(name: string): void {
    const { time, imagesOn, publish } = this.world
    imagesOn(this.base.spec.nodeName ?? '').add(containerOf(this.base, name)?.image ?? '')
    const id = this.#statuses.run(name)
    const truth = this.truth.get(name)
    if (truth) truth.run = { id, sinceMs: time.nowMs, isPast: false, isShown: false, isAgeUnsure: false }
    publish(this)
  }

  #end(name: string, exitCode: number, message?: string): void {
    delete this.truth.get(name)?.run
    this.#statuses.end(name, exitCode, message)
    this.world.publish(this)
  }

  #record(name: string, state: ContainerState, lastState: ContainerState = {}): void {
    this.#statuses.set(name, state, lastState)
    this.world.publish(this)
  }

  #update(name: string, fields: Pick<ContainerStatus, 'ready'> & Partial<ContainerStatus>): void {
    this.#statuses.update(name, fields)
    this.world.publish(this)
  }
}
