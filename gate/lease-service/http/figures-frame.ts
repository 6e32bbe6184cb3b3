import { fieldsOf } from '../../../core/is-object.ts'
import type { NodeFigures } from '../../../core/node-figures.ts'
import { PRESSURE_RESOURCES } from '../../../core/pressure.ts'
import type { Fields } from './request-body.ts'

/** More tells nothing, however many nodes there are: each is asked for less then. */
const FIGURES_PER_SECOND = 1_000
const LEAST_MS = 1_000

/** How often each of so many waiters is to send figures. */
export function figuresMs(links: number): number {
  return Math.max(LEAST_MS, Math.ceil((links * 1_000) / FIGURES_PER_SECOND))
}

/** No node has more; what is above is somebody's invention. */
const MOST_CORES = 65_536
const MOST_TASKS = 4_194_304

/**
 * The figures of a frame, each brought into its range. Undefined where one that is never missing is none: whoever sends
 * it is not refused, as nobody waits for an answer.
 */
export function figuresOf(value: unknown): NodeFigures | undefined {
  const fields = fieldsOf(value)
  const cores = within(fields.cores, 1, MOST_CORES)
  const busy = within(fields.busy, 0, 1)
  const ioWait = within(fields.ioWait, 0, 1)
  const runnable = within(fields.runnable, 0, MOST_TASKS)
  if (cores === undefined || busy === undefined || ioWait === undefined || runnable === undefined) return undefined
  return {
    cores,
    busy,
    ioWait,
    runnable,
    pressure: percents(fieldsOf(fields.pressure), PRESSURE_RESOURCES),
    stalled: percents(fieldsOf(fields.stalled), ['io', 'memory']),
  }
}

function percents<T extends string>(fields: Fields, names: readonly T[]): Partial<Record<T, number>> {
  const known: Partial<Record<T, number>> = {}
  for (const name of names) {
    const percent = within(fields[name], 0, 100)
    if (percent !== undefined) known[name] = percent
  }
  return known
}

function within(value: unknown, least: number, most: number): number | undefined {
  return Number.isFinite(value) ? Math.min(most, Math.max(least, value as number)) : undefined
}
