import type { Container } from '../../core/pod.ts'
import type { ReadinessType } from '../../core/readiness.ts'
import type { AppTruth, PodRuntime } from './pod-runtime.ts'
import type { SandboxGates } from './sandbox-gates.ts'
import { checkOrder } from './start-order.ts'

/** What becomes of an app container after it starts. */
type Fate = 'ready' | 'flap' | 'crash' | 'never' | 'exit' | 'third-try'
const FATES: readonly Fate[] = ['ready', 'ready', 'ready', 'flap', 'crash', 'never', 'exit']
/** Of containers that others wait for: most get ready in the end. */
const MOVED_FATES: readonly Fate[] = ['ready', 'ready', 'ready', 'flap', 'never', 'third-try', 'third-try']

/** One start of a container. */
interface Start {
  container: Container
  truth: AppTruth
  fate: Fate
  /** What the kubelet does when a container among the init containers has started, or completed. */
  next: () => void
}

/** Test support. The containers of one pod that take start slots: they start, get ready, crash, or end. */
export class AppContainers {
  readonly #runtime: PodRuntime
  readonly #gates: SandboxGates
  readonly #notify: (name: string) => boolean
  readonly #fates = new Map<string, Fate>()
  /** By container, in this sandbox: how often it was started. */
  readonly #tries = new Map<string, number>()

  /** `notify`: READY=1 from a container; false when nobody reads it. */
  constructor(runtime: PodRuntime, gates: SandboxGates, notify: (name: string) => boolean) {
    this.#runtime = runtime
    this.#gates = gates
    this.#notify = notify
    const { base, world, starters } = runtime
    for (const { name } of base.spec.containers) this.#fates.set(name, world.random.pick(FATES))
    for (const name of starters) {
      const isMoved = !base.spec.containers.some(c => c.name === name)
      if (isMoved) this.#fates.set(name, world.random.pick(MOVED_FATES))
    }
  }

  /** Another sandbox begins. */
  clear(): void {
    this.#tries.clear()
  }

  /** Those after the init containers, one by one. */
  startAll(index = 0): void {
    const { base, world } = this.#runtime
    const container = base.spec.containers[index]
    if (!container) return
    const isSlow = world.random.chance(0.05)
    if (isSlow) world.note('a container started late')
    this.#runtime.later(isSlow ? 10_000 : 50, isSlow ? 60_000 : 300, () => {
      this.start(container)
      this.startAll(index + 1)
    })
  }

  start(container: Container, next: () => void = () => undefined): void {
    const { name } = container
    const runtime = this.#runtime
    const truth = runtime.truth.get(name) ?? { isPast: false }
    const fate = this.#fates.get(name) ?? 'ready'
    checkOrder(name, runtime, this.#gates)
    truth.runningSinceMs ??= runtime.world.time.nowMs
    runtime.run(name)
    this.#probed(container, !isProbed(container))
    const kind = runtime.sequence?.readiness[name]?.type
    if (kind) this.#runStaged(kind, { container, truth, fate, next })
    else this.#runPlain({ container, truth, fate, next })
  }

  #probed({ name, startupProbe }: Container, ready: boolean): void {
    this.#runtime.update(name, { ready, started: ready || !startupProbe })
  }

  /** A container of a pod that has no sequence. */
  #runPlain({ container, truth, fate }: Start): void {
    const { name } = container
    const runtime = this.#runtime
    const { settleMs } = runtime.world
    if (!isProbed(container)) runtime.later(settleMs, settleMs, () => startIsPast(truth))
    if (fate === 'crash') runtime.later(200, 6_000, () => this.#crash(name, truth))
    else if (fate === 'exit')
      runtime.later(200, 9_000, () => {
        startIsPast(truth)
        runtime.end(name, 0)
        runtime.finishIfDone()
      })
    else if (fate !== 'never' && isProbed(container))
      runtime.later(300, 15_000, () => {
        startIsPast(truth)
        this.#probed(container, true)
        if (fate === 'flap') runtime.later(500, 5_000, () => runtime.update(name, { ready: false }))
      })
  }

  /** A crash, a restart that nobody gates, another crash, back-off. */
  #crash(name: string, truth: AppTruth): void {
    const runtime = this.#runtime
    const { random, note } = runtime.world
    note('a container crashed')
    startIsPast(truth)
    runtime.end(name, 1)
    runtime.later(20, 1_000, () => {
      runtime.run(name)
      // Some start for long after a restart.
      if (random.chance(0.5)) {
        runtime.later(5_000, 40_000, () => {
          startIsPast(truth)
          runtime.update(name, { ready: true, started: true })
        })
        return
      }
      startIsPast(truth)
      runtime.update(name, { ready: random.chance(0.5) })
      runtime.later(200, 3_000, () => {
        runtime.end(name, 1)
        runtime.backOff(name)
      })
    })
  }

  /** A container of a sequenced pod: gets ready in its own way, or not. */
  #runStaged(kind: ReadinessType, start: Start): void {
    const { container, fate, next } = start
    const { name } = container
    const tries = (this.#tries.get(name) ?? 0) + 1
    this.#tries.set(name, tries)
    // The kubelet goes on when a sidecar's startup probe, if it has one, has succeeded.
    const goesOnAtOnce = kind !== 'completed' && !container.startupProbe
    if (goesOnAtOnce) next()
    if ((fate === 'crash' || fate === 'third-try') && tries < 3)
      this.#runtime.later(100, 4_000, () => this.#dieAndComeBack(start, goesOnAtOnce ? undefined : next))
    else if (kind === 'completed') this.#runtime.later(200, 9_000, () => this.#complete(start))
    else this.#getReady(kind, start)
  }

  #dieAndComeBack({ container, truth }: Start, next: (() => void) | undefined): void {
    const { name } = container
    const runtime = this.#runtime
    truth.isPast = true
    runtime.end(name, 1)
    runtime.later(100, 2_000, () => {
      runtime.backOff(name)
      runtime.later(1_000, 12_000, () => this.start(container, next))
    })
  }

  #complete({ container, truth, next }: Start): void {
    truth.isPast = true
    truth.isCompleted = true
    this.#runtime.end(container.name, 0)
    next()
  }

  #getReady(kind: ReadinessType, { container, truth, fate, next }: Start): void {
    const { name, startupProbe } = container
    const runtime = this.#runtime
    const { settleMs } = runtime.world
    const ready = (): void => {
      startIsPast(truth)
      truth.isReady = true
    }
    if (kind === 'simple') runtime.later(settleMs, settleMs, ready)
    if (fate === 'never' || fate === 'exit') return
    runtime.later(300, 12_000, () => {
      if (kind === 'notify') this.#sayReady(name, truth)
      if (kind === 'probe') ready()
      this.#probed(container, true)
      if (startupProbe) next()
      if (fate === 'flap' && kind !== 'probe') runtime.later(500, 5_000, () => runtime.update(name, { ready: false }))
    })
  }

  /** It is ready, but holds its slot until its agent has heard of it. */
  #sayReady(name: string, truth: AppTruth): void {
    truth.isReady = true
    if (truth.run) truth.run.isPast = true
    if (!this.#notify(name)) return
    truth.isPast = true
    truth.heardAtMs ??= this.#runtime.world.time.nowMs
  }
}

function isProbed({ startupProbe, readinessProbe }: Container): boolean {
  return startupProbe !== undefined || readinessProbe !== undefined
}

function startIsPast(truth: AppTruth): void {
  truth.isPast = true
  if (truth.run) truth.run.isPast = true
}
