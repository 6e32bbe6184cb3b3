import type { ContainerState, ContainerStatus, Pod } from '../../core/pod.ts'
import type { Sequence } from '../../core/sequence.ts'
import { containerOf, sequenceOf } from '../lease-service/pods/pod-sequence.ts'
import type { SimAgent } from './agent.ts'
import type { AgentWorld } from './agent-host.ts'
import { SimStatuses } from './statuses.ts'

/** What is true of a container that takes start slots, in the sandbox of now. */
export interface AppTruth {
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

export interface RuntimeWorld extends AgentWorld<SimAgent> {
  /** Images truly on a node. */
  imagesOn: (node: string) => Set<string>
}

/** What the containers of a pod ask of the pod itself. */
export interface RuntimeHost {
  isOver: () => boolean
  /** A status has changed. */
  publish: () => void
}

/** Test support. The sandbox of one pod: what truly runs in it, and the statuses that the kubelet keeps of it. */
export class PodRuntime {
  readonly base: Pod
  readonly world: RuntimeWorld
  /** Of a sequenced pod. */
  readonly sequence: Sequence | undefined
  readonly statuses: SimStatuses
  /** Number of the sandbox; anything planned for an earlier one does not happen. */
  sandbox = 0
  /** All containers have ended, for good. */
  isFinished = false
  truth = new Map<string, AppTruth>()
  readonly #host: RuntimeHost

  constructor(base: Pod, world: RuntimeWorld, host: RuntimeHost) {
    this.base = base
    this.world = world
    this.sequence = sequenceOf(base)
    this.statuses = new SimStatuses(base, world.time)
    this.#host = host
  }

  get uid(): string {
    return this.base.metadata.uid ?? ''
  }

  get isOver(): boolean {
    return this.#host.isOver()
  }

  /** Images truly on the pod's node. */
  get images(): Set<string> {
    return this.world.imagesOn(this.base.spec.nodeName ?? '')
  }

  /** All containers that take start slots. */
  get starters(): string[] {
    return this.sequence?.stages.flatMap(s => s.containers) ?? this.base.spec.containers.map(c => c.name)
  }

  /** A new sandbox, in which nothing runs yet. */
  begin(): void {
    this.sandbox += 1
    this.truth = new Map(this.starters.map(name => [name, { isPast: false }]))
  }

  /** All that ran in it is dead. The statuses stay as they were, or worse. */
  kill(look: 'untouched' | 'killed' | 'lost'): void {
    this.sandbox += 1
    for (const truth of this.truth.values()) delete truth.run
    this.statuses.sandboxDied(look)
    this.#host.publish()
  }

  /** Some time between these, if this sandbox is still there. */
  later(fromMs: number, toMs: number, act: () => void): void {
    const { sandbox } = this
    this.world.time.after(this.world.random.int(fromMs, toMs), () => sandbox === this.sandbox && !this.isOver && act())
  }

  /** A container runs from now on. */
  run(name: string): void {
    this.images.add(containerOf(this.base, name)?.image ?? '')
    const id = this.statuses.run(name)
    const truth = this.truth.get(name)
    const sinceMs = this.world.time.nowMs
    if (truth) truth.run = { id, sinceMs, isPast: false, isShown: false, isAgeUnsure: false }
    this.#host.publish()
  }

  end(name: string, exitCode: number, message?: string): void {
    delete this.truth.get(name)?.run
    this.statuses.end(name, exitCode, message)
    this.#host.publish()
  }

  wait(name: string, reason: string, lastState: ContainerState = {}): void {
    this.statuses.set(name, { waiting: { reason } }, lastState)
    this.#host.publish()
  }

  /** The kubelet lets a container rest that ended just now. */
  backOff(name: string): void {
    this.wait(name, 'CrashLoopBackOff', this.statuses.stateOf(name) ?? {})
  }

  update(name: string, fields: Pick<ContainerStatus, 'ready'> & Partial<ContainerStatus>): void {
    this.statuses.update(name, fields)
    this.#host.publish()
  }

  /** Every container of the pod has ended well, and none is started again. */
  finishIfDone(): void {
    const { containers, restartPolicy } = this.base.spec
    const isDone = containers.every(c => this.statuses.stateOf(c.name)?.terminated?.exitCode === 0)
    if (!isDone || restartPolicy !== 'Never') return
    this.isFinished = true
    this.#host.publish()
  }
}
