import type { PlanRun } from './model.ts'

/** When a herd is ready, in ms from its creation. */
export interface ReadyFigures {
  firstMs: number
  medianMs: number
  lastMs: number
}

/** Of the pods that become ready; undefined when none does. */
export function readyFigures(readyAtMs: readonly number[]): ReadyFigures | undefined {
  const times = readyAtMs.filter(Number.isFinite).sort((a, b) => a - b)
  const [firstMs, lastMs] = [times[0], times.at(-1)]
  const medianMs = times[Math.floor((times.length - 1) / 2)]
  if (firstMs === undefined || lastMs === undefined || medianMs === undefined) return undefined
  return { firstMs, medianMs, lastMs }
}

/** Pods that never start, since a limit of 0 holds them back. */
export function neverReady({ readyAtMs }: Pick<PlanRun, 'readyAtMs'>): number {
  return readyAtMs.filter(ms => !Number.isFinite(ms)).length
}
