import type { AutoBounds } from './controller.ts'

/** The most starts at a time that `auto` finds where the chart says nothing else: also of those that only sleep. */
export function usualMax(cores: number): number {
  return Math.max(32, Math.floor(4 * cores))
}

/** Of a node that nobody wrote a limit for: what is in force there as long as nothing is known of it. */
export function usualLimit(cores: number): number {
  return Math.max(2, Math.floor(cores))
}

/**
 * `max`: the chart's. A herd begins with half as many as the node has cores, but four where it has so many: more are
 * there in seconds if they fit, and slots once given cannot be taken back.
 */
export function autoBoundsOf(cores: number, max = usualMax(cores)): AutoBounds {
  return { first: Math.min(max, usualLimit(cores), Math.max(4, Math.ceil(cores / 2))), max: Math.max(1, max) }
}
