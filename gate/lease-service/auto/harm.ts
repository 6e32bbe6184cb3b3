import type { EndedStarts } from './sample.ts'

/** Starts of one namespace alone have failed on a node, since then. */
export interface HarmOfOne {
  namespace: string
  /** Monotonic. */
  sinceMs: number
}

/** For so long it counts, as a herd of one namespace may well be too much for a node. */
const COUNTS_MS = 300_000
/** Then not until so long after it began: what fails for ever has a reason of its own, and others start there too. */
const ANEW_MS = 600_000

/** What counts of how starts of a namespace ended, and what is to be known the next time. */
export function heedHarm(
  before: HarmOfOne | undefined,
  ended: Partial<EndedStarts>,
  { namespace, nowMs }: { namespace: string; nowMs: number },
): { counts: Partial<EndedStarts>; harm: HarmOfOne | undefined } {
  const { timedOut = 0, killed = 0, oomKilled = 0, evicted = 0, ...rest } = ended
  if (timedOut + killed + oomKilled + evicted === 0) return { counts: ended, harm: before }
  const isAnother = before?.namespace !== namespace || nowMs - before.sinceMs >= ANEW_MS
  const harm = isAnother ? { namespace, sinceMs: nowMs } : before
  return { counts: nowMs - harm.sinceMs < COUNTS_MS ? ended : rest, harm }
}
