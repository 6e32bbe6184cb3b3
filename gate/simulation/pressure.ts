import type { NodePressures } from '../lease-service/limits/node-pressure.ts'
import type { Waiting } from '../lease-service/model/grant.ts'
import type { SimPod } from './pod.ts'
import type { Situations } from './situations.ts'
import type { Random, Timeline } from './timeline.ts'
import type { LimitTruth } from './truth.ts'

/** Percent of the CPU above which a node is held back, in the worlds that have a maximum. */
const MAX_CPU = 60

/** Test support. What others do on the nodes: puts them under pressure and takes it off, in some of the worlds. */
export function planPressure({ settings, nodes }: LimitTruth, time: Timeline, random: Random, untilMs: number): void {
  if (!random.chance(0.3)) return
  settings.node.maxPressure = { cpu: MAX_CPU }
  const press = (node: { pressure: number }) => {
    node.pressure = random.pick([0, MAX_CPU, MAX_CPU + 1, 95])
  }
  for (const node of nodes.values()) {
    press(node)
    for (let times = random.int(0, 6); times > 0; times--) time.after(random.int(1_000, untilMs), () => press(node))
  }
}

/** How long a figure counts that nobody renews, in a cluster of a few nodes. */
const FIGURE_LIFE_MS = 15_000

/** Test support. Which nodes are to be held back: by what the one who leads was told last, with none of its own code. */
export class PressureCheck {
  readonly #max: number
  readonly #told = new Map<string, { percent: number; atMs: number }>()

  constructor({ settings }: LimitTruth) {
    this.#max = settings.node.maxPressure?.cpu ?? Number.POSITIVE_INFINITY
  }

  /** A new leader knows nothing yet. */
  tookOver(): void {
    this.#told.clear()
  }

  told(nodeName: string, percent: number, nowMs: number): void {
    this.#told.set(nodeName, { percent, atMs: nowMs })
  }

  isHeldBack(nodeName: string, nowMs: number): boolean {
    const { percent = 0, atMs = nowMs } = this.#told.get(nodeName) ?? {}
    return percent > this.#max && nowMs - atMs < FIGURE_LIFE_MS
  }
}

interface PressureTalkDeps {
  pressures: NodePressures
  limits: LimitTruth
  time: Timeline
  random: Random
  situations: Situations
  /** A figure reached the leader. */
  onTold: (nodeName: string, percent: number) => void
}

/** Test support. How gates tell one leader of the pressure on their nodes. */
export class PressureTalk {
  readonly #deps: PressureTalkDeps

  constructor(deps: PressureTalkDeps) {
    this.#deps = deps
  }

  /** A gate of the pod tells what is true on its node now. */
  hear({ uid, base }: SimPod): void {
    const { pressures, limits, time, situations, onTold } = this.#deps
    const nodeName = base.spec.nodeName ?? ''
    const node = limits.nodes.get(nodeName)
    if (!pressures.isOn || !node || node.isLost) return
    const wasHeldBack = pressures.overloads.has(nodeName)
    pressures.take(nodeName, uid, { cpu: node.pressure }, time.nowMs)
    if (wasHeldBack && !pressures.overloads.has(nodeName)) situations.note('pressure fell')
    onTold(nodeName, node.pressure)
  }

  /** Keys of those who are to tell anew. */
  ask(waiting: readonly Waiting[], podOf: (key: string) => SimPod | undefined): string[] {
    const { pressures, time, random } = this.#deps
    if (!pressures.isOn) return []
    const witnesses = waiting.flatMap(({ key }) => {
      const pod = podOf(key)
      return pod ? [{ key, podUid: pod.uid, nodeName: pod.base.spec.nodeName ?? '' }] : []
    })
    return pressures.ask(witnesses, time.nowMs, () => random.next())
  }
}
