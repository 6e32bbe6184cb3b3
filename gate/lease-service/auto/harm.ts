import type { EndedStarts } from './sample.ts'

/** Since when starts have failed on a node, by their namespaces. Monotonic ms. */
export type Harms = ReadonlyMap<string, number>

export const NO_HARM: Harms = new Map()

/** For so long it counts, as a herd of one namespace may well be too much for a node. */
const COUNTS_MS = 300_000
/**
 * Then not until so long after it began, times the namespaces whose starts fail there: what fails for ever has a reason
 * of its own, and others start there too. So failing by turns counts for half of the time, too.
 */
const ANEW_MS = 600_000
/** Whose harm is kept of a node; that of others does not count meanwhile. */
const MOST_NAMESPACES = 16

/** What counts of how starts of a namespace ended, and what is to be known the next time. */
export function heedHarm(
  before: Harms,
  ended: Partial<EndedStarts>,
  { namespace, nowMs }: { namespace: string; nowMs: number },
): { counts: Partial<EndedStarts>; harms: Harms } {
  const { timedOut = 0, killed = 0, oomKilled = 0, evicted = 0, ...rest } = ended
  if (timedOut + killed + oomKilled + evicted === 0) return { counts: ended, harms: before }
  const harms = new Map([...before].filter(([, sinceMs]) => nowMs - sinceMs < ANEW_MS * before.size))
  if (harms.size < MOST_NAMESPACES && !harms.has(namespace)) harms.set(namespace, nowMs)
  const sinceMs = harms.get(namespace) ?? Number.NEGATIVE_INFINITY
  return { counts: nowMs - sinceMs < COUNTS_MS ? ended : rest, harms }
}
