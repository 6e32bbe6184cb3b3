import type { AutoBounds } from '../controller.ts'
import { ALONE, type Surroundings } from './herd-surroundings.ts'
import { type NodeModel, SimulatedNode, type Work } from './node-model.ts'
import { type HerdLimit, SimulatedLine } from './simulated-line.ts'

export interface HerdResult {
  /** Seconds, in the order in which starts ended. */
  ends: number[]
  /** Limits that were in force, second by second, as long as somebody waited; of the first node. */
  limits: number[]
  /** Part of the slots that were held while somebody waited, 0 to 1. */
  slotsBusy: number
}

export interface HerdSetting {
  limit: HerdLimit
  bounds: AutoBounds
  surroundings?: Surroundings
}

const TICKS_A_SECOND = 20

/**
 * All come at once; each begins when a slot of its node is free and ends when its work is done. What happens around the
 * starts is `surroundings`; nodes are dealt the starts in turns, and share the CPUs and the disk of one machine.
 */
export function runHerd(
  model: NodeModel,
  herd: readonly (readonly Work[])[],
  { surroundings = ALONE, ...setting }: HerdSetting,
): HerdResult {
  const machine = new SimulatedNode(model)
  const nodes = Array.from({ length: surroundings.nodes }, (_, at) => {
    const share = herd.filter((_, i) => i % surroundings.nodes === at)
    return new SimulatedLine(machine, share, { ...setting, surroundings })
  })
  const untilTold = Math.round(surroundings.firstFiguresAt * TICKS_A_SECOND)
  const limits: number[] = []
  for (let tick = 0; nodes.some(node => node.isUnderWay); tick += 1) {
    const [first] = nodes
    if (tick % TICKS_A_SECOND === 0 && first?.isShort) limits.push(first.limit)
    for (const node of nodes) node.tick()
    machine.tick()
    if ((tick + 1 - untilTold) % TICKS_A_SECOND !== 0) continue
    const figures = machine.figures()
    if (tick + 1 >= untilTold) for (const node of nodes) node.take(figures)
  }
  const sum = (of: (node: SimulatedLine) => number): number => nodes.reduce((all, node) => all + of(node), 0)
  const room = sum(node => node.room)
  return {
    ends: nodes.flatMap(node => node.ends).sort((a, b) => a - b),
    limits,
    slotsBusy: room === 0 ? 1 : sum(node => node.busy) / room,
  }
}
