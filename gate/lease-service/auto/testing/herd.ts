import { type AutoBounds, advanceAuto, newAuto } from '../controller.ts'
import { type AutoSample, NOTHING_ENDED } from '../sample.ts'
import { type NodeModel, SimulatedNode, type Work } from './node-model.ts'

/** A number: a limit that stays; `auto`: the one that the controller finds. */
export type HerdLimit = number | 'auto'

export interface HerdResult {
  /** Seconds, in the order in which starts ended. */
  ends: number[]
  /** Limits that were in force, second by second, as long as somebody waited. */
  limits: number[]
  /** Part of the slots that were held while somebody waited, 0 to 1. */
  slotsBusy: number
}

/** Between a grant and the first instruction of the container, and what the kubelet and the runtime do for it. */
const CREATION: readonly Work[] = [
  { kind: 'sleep', seconds: 0.7 },
  { kind: 'cpu', seconds: 0.15, threads: 1 },
]
const TICKS_A_SECOND = 20

/** All ask at once; each begins when a slot is free and ends when its work is done. */
export function runHerd(
  model: NodeModel,
  herd: readonly (readonly Work[])[],
  limit: HerdLimit,
  bounds: AutoBounds,
): HerdResult {
  const run = new HerdRun(model, herd)
  let auto = newAuto(bounds, 0)
  while (run.ends.length < herd.length) {
    const most = limit === 'auto' ? auto.limit : limit
    if (run.isShort) run.limits.push(most)
    for (let tick = 0; tick < TICKS_A_SECOND; tick += 1) run.tick(most)
    auto = advanceAuto(auto, run.sample(), bounds)
  }
  return { ends: run.ends, limits: run.limits, slotsBusy: run.room === 0 ? 1 : run.held / run.room }
}

class HerdRun {
  readonly ends: number[] = []
  readonly limits: number[] = []
  /** Slots that there were and that were held, summed over ticks, while somebody waited. */
  room = 0
  held = 0
  readonly #node: SimulatedNode
  readonly #herd: readonly (readonly Work[])[]
  /** When those that hold a slot began. */
  readonly #begun = new Set<{ at: number }>()
  #next = 0
  #told = 0

  constructor(model: NodeModel, herd: readonly (readonly Work[])[]) {
    this.#node = new SimulatedNode(model)
    this.#herd = herd
  }

  get isShort(): boolean {
    return this.#next < this.#herd.length
  }

  tick(limit: number): void {
    const wasShort = this.isShort
    while (this.isShort && this.#begun.size < limit) this.#start()
    if (wasShort && this.isShort) {
      this.room += limit
      this.held += Math.min(limit, this.#begun.size)
    }
    this.#node.tick()
  }

  #start(): void {
    const begun = { at: this.#node.seconds }
    this.#begun.add(begun)
    this.#node.start([...CREATION, ...(this.#herd[this.#next] ?? [])], () => {
      this.#begun.delete(begun)
      this.ends.push(this.#node.seconds)
    })
    this.#next += 1
  }

  sample(): AutoSample {
    const { seconds } = this.#node
    const finished = this.ends.length - this.#told
    this.#told = this.ends.length
    return {
      nowMs: seconds * 1_000,
      figures: this.#node.figures(),
      held: this.#begun.size,
      running: [...this.#begun].filter(({ at }) => seconds - at > 1).length,
      isShort: this.isShort,
      ended: { ...NOTHING_ENDED, finished },
    }
  }
}
