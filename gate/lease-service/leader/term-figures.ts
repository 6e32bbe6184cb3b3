import type { TermEvent } from './term-events.ts'
import { decideSoon, type TermState } from './term-state.ts'

/** Takes in what a node's waiter tells of it. A decision is due only where the node is held back now, or no more. */
export function takeFigures(
  state: TermState,
  { nodeName, figures }: Extract<TermEvent, { kind: 'node-figures' }>,
): void {
  const { pressures, now } = state
  const wasHeldBack = pressures.overloads.has(nodeName)
  pressures.takeFigures(nodeName, figures, now.monotonicMs)
  state.autos.take(nodeName, figures)
  if (pressures.overloads.has(nodeName) !== wasHeldBack) decideSoon(state)
}
