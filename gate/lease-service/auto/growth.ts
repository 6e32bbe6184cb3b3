import { type Demand, mostFor, roomFor } from './demand.ts'
import { fullOf, type Load, loadOf, startsToFill } from './load.ts'
import type { AutoSample } from './sample.ts'

/** What growth is judged by. */
export interface GrowthFacts {
  limit: number
  /** The last few of this limit, since its starts have shown. */
  samples: readonly AutoSample[]
  demand: Demand
}

/** Before it grows where the node idles: in one second all starts may pause at once. */
const FEW_SAMPLES = 2
/** Before it grows where the node is nearly full. */
const MANY_SAMPLES = 5
const NEARLY_FULL = 0.75
/** By means of some seconds, and by one second. */
const MOST_GROWTH = { slow: 8, hasty: 4 }

/** The limit that the starts of this limit leave room for, judged by some seconds of them; maybe no more than now. */
export function slowGrowth({ limit, samples, demand }: GrowthFacts, sample: AutoSample): number {
  const load = loadOf(samples)
  const isNearlyFull = load.busiest > NEARLY_FULL
  if (samples.length < (isNearlyFull ? MANY_SAMPLES : FEW_SAMPLES)) return limit
  if (fullOf(isNearlyFull ? loadOf(withoutIdlest(samples)) : load)) return limit
  // More than the limit are held after a cut: the node is not full with them either.
  const now = Math.max(limit, sample.held)
  const more = Math.min(startsToFill(load), mostFor(demand, sample)) - now
  // Near the full it goes half way, as the ones to come may want more than those that there are.
  const wanted = isNearlyFull ? Math.max(1, more / 2) : more
  return now + Math.min(wanted, now * (MOST_GROWTH.slow - 1))
}

/**
 * The same by one second, whatever the limit was in it: where the node idles nothing is waited for, as those that do
 * not run yet count as if each took what the others take.
 */
export function hastyGrowth({ limit, demand }: GrowthFacts, sample: AutoSample): number {
  const load: Load = loadOf([sample])
  // Tasks that make containers and sandboxes are no starts, and gone in a moment.
  if (load.busy > NEARLY_FULL || fullOf({ ...load, runnable: load.runnable - demand.made })) return limit
  const now = Math.max(limit, sample.held)
  return now + Math.min(roomFor(demand, sample), now * (MOST_GROWTH.hasty - 1))
}

/** Without the second in which a slot passed from one start to the next. */
function withoutIdlest(samples: readonly AutoSample[]): AutoSample[] {
  const idlest = Math.min(...samples.map(({ figures }) => figures.busy))
  const at = samples.findIndex(({ figures }) => figures.busy === idlest)
  return samples.filter((_, i) => i !== at)
}
