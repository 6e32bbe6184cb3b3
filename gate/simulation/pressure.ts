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

/** Test support. Which nodes are to be held back: by what the leader was told last, with none of its own code. */
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
