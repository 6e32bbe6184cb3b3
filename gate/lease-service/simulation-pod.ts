import { PULL_GATE, START_GATE } from '../../core/names.ts'
import type { Container, ContainerState, ContainerStatus, Pod } from '../../core/pod.ts'
import type { Random, Timeline } from './simulation-timeline.ts'

/** What becomes of an app container after it starts. */
export type Fate = 'ready' | 'flap' | 'crash' | 'never' | 'exit'
const FATES: readonly Fate[] = ['ready', 'ready', 'ready', 'flap', 'crash', 'never', 'exit']

export interface SimWorld {
  time: Timeline
  random: Random
  settleMs: number
  /** Images truly on a node. */
  imagesOn: (node: string) => Set<string>
  /** The kubelet has a new status for the API server. */
  publish: (pod: SimPod) => void
  /** A gate wants an answer. */
  gateReady: (pod: SimPod) => void
}

/** A gate that runs and waits; a new object for each run, so that an answer to an earlier one is told apart. */
export interface GateRun {
  gate: typeof PULL_GATE | typeof START_GATE
  attempt: number
}

interface AppTruth {
  runningSinceMs?: number
  /** Ready once, ended, or in back-off: holds no slot by the design's word. */
  isPast: boolean
}

const INIT_STEP = /^startgate-image-/

/**
 * Test support. One pod and what the kubelet does with it: gates, image steps, containers, crashes, a sandbox made anew whose
 * statuses mislead. What is true is in fields; what the API server gets to see is `snapshot()`.
 */
export class SimPod {
  readonly base: Pod
  readonly uid: string
  readonly world: SimWorld
  /** Number of the sandbox; anything planned for an earlier one does not happen. */
  sandbox = 0
  waiting: GateRun | undefined
  isDeleted = false
  isGone = false
  isFinished = false
  /** By app container, in this sandbox. */
  truth = new Map<string, AppTruth>()
  /** The last image step has started in this sandbox, or a pull failed. */
  isPulled = false
  readonly #passes = { pull: 0, start: 0 }
  readonly #records = new Map<string, ContainerStatus>()
  readonly #fates = new Map<string, Fate>()
  #ids = 0

  constructor(base: Pod, world: SimWorld) {
    this.base = base
    this.uid = base.metadata.uid ?? ''
    this.world = world
    for (const { name } of base.spec.containers) this.#fates.set(name, world.random.pick(FATES))
  }

  get isOver(): boolean {
    return this.isDeleted || this.isGone || this.isFinished
  }

  snapshot(): Pod {
    const statusesOf = (containers: Container[] = []) =>
      containers.flatMap(c => this.#records.get(c.name) ?? []).map(record => structuredClone(record))
    return {
      ...this.base,
      status: {
        phase: this.isFinished ? 'Succeeded' : 'Pending',
        initContainerStatuses: statusesOf(this.base.spec.initContainers),
        containerStatuses: statusesOf(this.base.spec.containers),
      },
    }
  }

  /** A sandbox begins: all init containers run in order. */
  begin(): void {
    this.sandbox += 1
    this.truth = new Map(this.base.spec.containers.map(c => [c.name, { isPast: false }]))
    this.isPulled = false
    this.#runInit(0)
  }

  /** The sandbox dies, and another begins some seconds later. The statuses stay as they were, or worse. */
  killSandbox(): void {
    const { random } = this.world
    this.sandbox += 1
    this.waiting = undefined
    const look = random.pick(['untouched', 'killed', 'lost'] as const)
    for (const record of this.#records.values()) {
      if (!record.state?.running || look === 'untouched') continue
      const containerID = look === 'killed' ? { containerID: record.containerID ?? '' } : {}
      record.state = { terminated: { exitCode: 137, ...record.state.running, ...containerID } }
      record.ready = false
    }
    this.world.publish(this)
    const { sandbox } = this
    this.world.time.after(random.int(1_500, 6_000), () => sandbox === this.sandbox && !this.isOver && this.begin())
  }

  /** The answer has reached the gate `run`; returns whether that was still there. */
  answer(run: GateRun): boolean {
    if (this.waiting !== run || this.isOver) return false
    this.waiting = undefined
    this.#later(50, 500, () => {
      // Marked before it ends, as the gate does, so that the next sandbox counts on.
      this.#passes[run.gate === PULL_GATE ? 'pull' : 'start'] = run.attempt
      this.#end(run.gate, 0, JSON.stringify({ verdict: 'granted', gate: run.gate, attempt: run.attempt, waitedMs: 0 }))
      this.#later(0, 1_000, () =>
        this.#runInit((this.base.spec.initContainers ?? []).findIndex(c => c.name === run.gate) + 1),
      )
    })
    return true
  }

  #runInit(index: number): void {
    const container = this.base.spec.initContainers?.[index]
    const next = (): void => this.#later(0, 1_000, () => this.#runInit(index + 1))
    if (!container) this.#later(50, 400, () => this.#runApp(0))
    else if (container.name === PULL_GATE || container.name === START_GATE) this.#runGate(container.name)
    else if (INIT_STEP.test(container.name)) this.#pull(container, 0, next)
    else {
      this.#run(container.name)
      this.#later(100, 4_000, () => {
        this.#end(container.name, 0)
        next()
      })
    }
  }

  #runGate(gate: GateRun['gate']): void {
    const { pull, start } = this.#passes
    this.#run(gate)
    this.waiting = { gate, attempt: gate === PULL_GATE ? pull + 1 : Math.max(start + 1, pull) }
    this.world.gateReady(this)
  }

  #pull(container: Container, failures: number, next: () => void): void {
    const { random, imagesOn } = this.world
    const images = imagesOn(this.base.spec.nodeName ?? '')
    const image = container.image ?? ''
    const isBad = !images.has(image) && failures < 3 && random.chance(image.includes('bad') ? 0.7 : 0)
    this.#record(container.name, { waiting: { reason: 'PodInitializing' } })
    this.#later(images.has(image) ? 20 : 500, images.has(image) ? 100 : 8_000, () => {
      if (isBad) {
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
    this.#later(isSlow ? 10_000 : 50, isSlow ? 60_000 : 300, () => {
      this.#start(container)
      this.#runApp(index + 1)
    })
  }

  #start(container: Container): void {
    const { name } = container
    const truth = this.truth.get(name) ?? { isPast: false }
    const fate = this.#fates.get(name) ?? 'ready'
    const past = (): void => {
      truth.isPast = true
    }
    truth.runningSinceMs ??= this.world.time.nowMs
    this.#run(name)
    const isProbed = container.startupProbe !== undefined || container.readinessProbe !== undefined
    const probed = (ready: boolean) => this.#update(name, { ready, started: ready || !container.startupProbe })
    probed(!isProbed)
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

  /** A crash, a restart that nobody gates, another crash, back-off. */
  #crash({ name }: Container, past: () => void): void {
    past()
    this.#end(name, 1)
    this.#later(20, 1_000, () => {
      this.#run(name)
      this.#update(name, { ready: this.world.random.chance(0.5) })
      this.#later(200, 3_000, () => {
        this.#end(name, 1)
        const ended = this.#records.get(name)?.state ?? {}
        this.#record(name, { waiting: { reason: 'CrashLoopBackOff' } }, ended)
      })
    })
  }

  #finishIfDone(): void {
    const isDone = this.base.spec.containers.every(c => this.#records.get(c.name)?.state?.terminated?.exitCode === 0)
    if (!isDone || this.base.spec.restartPolicy !== 'Never') return
    this.isFinished = true
    this.world.publish(this)
  }

  #later(fromMs: number, toMs: number, act: () => void): void {
    const { sandbox } = this
    this.world.time.after(this.world.random.int(fromMs, toMs), () => sandbox === this.sandbox && !this.isOver && act())
  }

  #run(name: string): void {
    const before = this.#records.get(name)?.state
    this.world.imagesOn(this.base.spec.nodeName ?? '').add(this.#imageOf(name))
    this.#ids += 1
    this.#record(
      name,
      { running: { startedAt: this.#stamp() } },
      before?.terminated ? before : {},
      `${this.uid}-${this.#ids}`,
    )
  }

  #end(name: string, exitCode: number, message?: string): void {
    const record = this.#records.get(name)
    const startedAt = record?.state?.running?.startedAt ?? this.#stamp()
    const containerID = record?.containerID ?? ''
    const end = {
      exitCode,
      startedAt,
      finishedAt: this.#stamp(),
      containerID,
      ...(message !== undefined && { message }),
    }
    this.#record(name, { terminated: end }, record?.lastState ?? {}, containerID)
  }

  #record(name: string, state: ContainerState, lastState: ContainerState = {}, containerID?: string): void {
    const id = containerID ?? this.#records.get(name)?.containerID
    this.#records.set(name, {
      name,
      ready: false,
      restartCount: 0,
      imageID: `sha256:${this.#imageOf(name)}`,
      state,
      lastState,
      ...(id !== undefined && { containerID: id }),
    })
    this.world.publish(this)
  }

  #update(name: string, fields: Pick<ContainerStatus, 'ready'> & Partial<ContainerStatus>): void {
    const record = this.#records.get(name)
    if (record) this.#records.set(name, { ...record, ...fields })
    this.world.publish(this)
  }

  #imageOf(name: string): string {
    const containers = [...(this.base.spec.initContainers ?? []), ...this.base.spec.containers]
    return containers.find(c => c.name === name)?.image ?? ''
  }

  /** The kubelet's stamps have whole seconds. */
  #stamp(): string {
    return new Date(Math.floor(this.world.time.nowMs / 1000) * 1000).toISOString()
  }
}
