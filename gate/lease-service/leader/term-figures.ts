import { advanceAutos } from './term-autos.ts'
import type { TermEvent } from './term-events.ts'
import { decideSoon, type TermState } from './term-state.ts'

/** What starts on nodes is counted over all of them at once: not for each of thousands. The next tick has the rest. */
const REST_MS = 200

/** Takes in what a node's waiter tells of it. A decision is due only where that changes who may start. */
export function takeFigures(
  state: TermState,
  { nodeName, figures }: Extract<TermEvent, { kind: 'node-figures' }>,
): void {
  const { pressures, now } = state
  const wasHeldBack = pressures.overloads.has(nodeName)
  pressures.takeFigures(nodeName, figures, now.monotonicMs)
  state.autos.take(nodeName, figures)
  const isOther = now.monotonicMs - state.autos.advancedAtMs >= REST_MS && advanceAutos(state)
  if (isOther || pressures.overloads.has(nodeName) !== wasHeldBack) decideSoon(state)
}
