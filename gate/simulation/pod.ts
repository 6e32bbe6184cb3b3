import type { GateName } from '../../core/names.ts'
import type { Pod } from '../../core/pod.ts'
import type { Dependency, Sequence } from '../../core/sequence.ts'
import { statusOf } from '../lease-service/pods/container-status.ts'
import { containerOf } from '../lease-service/pods/pod-sequence.ts'
import type { StartedCondition } from '../lease-service/pods/started-condition.ts'
import type { SimAgent } from './agent.ts'
import { AppContainers } from './app-containers.ts'
import type { SimGate } from './gate.ts'
import { InitContainers } from './init-containers.ts'
import { type AppTruth, PodRuntime, type RuntimeWorld } from './pod-runtime.ts'
import { SandboxGates } from './sandbox-gates.ts'
import { holds } from './start-order.ts'

export interface SimWorld extends RuntimeWorld {
  /** The kubelet has a new status for the API server. */
  publish: (pod: SimPod) => void
  /** A gate let its pod go without a grant. */
  failedOpen: (pod: SimPod, gate: GateName, attempt: number) => void
}

/** The kubelet's stamps have whole seconds, so that a run may look so much older. */
const STAMP_MS = 1_000

/**
 * Test support. One pod: a sandbox may die and be made anew, and its statuses mislead. What is true is in fields; what
 * the API server gets to see is `snapshot()`.
 */
export class SimPod {
  readonly base: Pod
  readonly uid: string
  readonly world: SimWorld
  isDeleted = false
  isGone = false
  readonly gates = new SandboxGates()
  #condition: StartedCondition | undefined
  /** Of what is published. */
  #version = 0
  readonly #runtime: PodRuntime
  readonly #apps: AppContainers
  readonly #init: InitContainers

  constructor(base: Pod, world: SimWorld) {
    this.base = base
    this.uid = base.metadata.uid ?? ''
    this.world = world
    const { gates } = this
    const runtime = new PodRuntime(base, world, { isOver: () => this.isOver, publish: () => world.publish(this) })
    this.#runtime = runtime
    this.#apps = new AppContainers(runtime, gates, name => this.agent?.notify(name) === true)
    this.#init = new InitContainers(runtime, gates, this.#apps, (gate, attempt) =>
      world.failedOpen(this, gate, attempt),
    )
  }

  /** Number of the sandbox. */
  get sandbox(): number {
    return this.#runtime.sandbox
  }

  /** By container that takes start slots, in this sandbox. */
  get truth(): ReadonlyMap<string, AppTruth> {
    return this.#runtime.truth
  }

  /** Of a sequenced pod. */
  get sequence(): Sequence | undefined {
    return this.#runtime.sequence
  }

  get agent(): SimAgent | undefined {
    return this.#init.agent
  }

  /** The last image step has started in this sandbox, or a pull failed. */
  get isPulled(): boolean {
    return this.#init.isPulled
  }

  /** Gates, and the agent's questions, that have no answer yet. */
  get pendingGates(): SimGate[] {
    const { waiting } = this.gates
    return [...(waiting?.isWaiting ? [waiting] : []), ...(this.agent?.asking ?? [])]
  }

  get isOver(): boolean {
    return this.isDeleted || this.isGone || this.#runtime.isFinished
  }

  /** A sandbox begins: all init containers run in order. */
  begin(): void {
    this.#runtime.begin()
    this.gates.clear()
    this.#apps.clear()
    this.#init.begin()
  }

  /** The sandbox dies, and another begins some seconds later. */
  killSandbox(): void {
    const { random, time } = this.world
    this.gates.waiting = undefined
    this.#runtime.kill(random.pick(['untouched', 'killed', 'lost'] as const))
    const { sandbox } = this
    time.after(random.int(1_500, 6_000), () => sandbox === this.sandbox && !this.isOver && this.begin())
  }

  snapshot(): Pod {
    this.#version += 1
    const { isFinished, statuses } = this.#runtime
    return {
      ...this.base,
      metadata: { ...this.base.metadata, resourceVersion: `${this.#version}` },
      status: {
        phase: isFinished ? 'Succeeded' : this.#isRunning ? 'Running' : 'Pending',
        conditions: this.#condition ? [this.#condition] : [],
        initContainerStatuses: statuses.of(this.base.spec.initContainers),
        containerStatuses: statuses.of(this.base.spec.containers),
      },
    }
  }

  /** All init containers are done, and a container of the pod has run; a sandbox that was made anew changes that. */
  get #isRunning(): boolean {
    return this.base.spec.containers.some(({ name }) => this.truth.get(name)?.runningSinceMs !== undefined)
  }

  /** The lease service has written it into the pod's status. */
  setCondition(condition: StartedCondition): void {
    if (JSON.stringify(condition) === JSON.stringify(this.#condition)) return
    this.#condition = condition
    if (!this.isOver) this.world.publish(this)
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

  #tellsWhenReady(name: string): boolean {
    const kind = this.sequence?.readiness[name]?.type
    if (kind) return kind === 'probe' || kind === 'notify'
    const container = containerOf(this.base, name)
    return container?.startupProbe !== undefined || container?.readinessProbe !== undefined
  }

  /** When the gate before a container of a sequence ended, in this sandbox. */
  openedAtMs(name: string): number | undefined {
    const stage = this.sequence?.stages.find(s => s.containers.includes(name))
    return stage && this.gates.passedAtMs.get(stage.gate)
  }

  /** Whether a condition is truly met, once at least, in this sandbox. */
  holds(dependency: Dependency): boolean {
    return holds(this.#runtime, dependency)
  }
}
