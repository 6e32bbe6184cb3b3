import type { NodeFigures } from '../../../core/node-figures.ts'

/** For tests: what the waiter of a busy node with two CPUs tells. */
export function madeFigures(more: Partial<NodeFigures> = {}): NodeFigures {
  return { cores: 2, busy: 0.9, ioWait: 0, runnable: 3, pressure: {}, stalled: {}, ...more }
}
