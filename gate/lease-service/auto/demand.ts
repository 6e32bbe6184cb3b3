import type { AutoSample } from './sample.ts'

/** CPUs that one start takes, by what was seen while starts ran. */
export interface Demand {
  /** What each of those that ran for the whole of the last second took at most; undefined where none did. */
  most: number | undefined
  /** What each certainly took at times, the less the longer ago: one that pauses may go on. */
  peak: number
  /** Containers and sandboxes that were made in the last second, or may have been. */
  made: number
  /** At the last sample. */
  running: number
  /** Those of them that ran for the whole of the last second. */
  ran: number
  pending: number
  asked: number
}

/** What the kubelet and the runtime need to make one: at least and at most. */
const CPU_SECONDS_TO_MAKE = { least: 0.1, most: 0.5 }
/** What remains of the peak after a second. */
const FADE = 0.9
/** What was seen a second ago may have become so many times as much. */
const DOUBT = 2
/** As long as none has been seen. */
const UNKNOWN = 1
/** Of starts that take nothing at all. */
const LEAST = 0.1

export const NO_DEMAND: Demand = { most: undefined, peak: 0, made: 0, running: 0, ran: 0, pending: 0, asked: 0 }

/** `seconds`: since the sample before. */
export function observeDemand(before: Demand, sample: AutoSample, seconds: number): Demand {
  const { figures, running, asked } = sample
  const pending = pendingOf(sample)
  const made = Math.max(before.pending, pending) + before.asked + asked
  const ran = Math.min(before.running, running)
  const known = { made, running, ran, pending, asked, peak: before.peak * FADE ** seconds }
  const busy = figures.busy * figures.cores
  // What makes no sense is not kept.
  if (ran === 0 || !Number.isFinite(busy)) return { ...known, most: undefined }
  const madeASecond = made / Math.max(0.5, seconds)
  const without = (each: number, part: number) => Math.max(busy * (1 - part), busy - madeASecond * each) / ran
  const [least, most] = [without(CPU_SECONDS_TO_MAKE.most, 1), without(CPU_SECONDS_TO_MAKE.least, 0.5)]
  const doubted = (before.most ?? Number.POSITIVE_INFINITY) * DOUBT ** seconds
  return { ...known, most: Math.max(least, Math.min(most, doubted)), peak: Math.max(least, known.peak) }
}

/** How many more have CPUs to run on if all that have not been seen enough take what the others took at most. */
export function roomFor({ most = UNKNOWN, peak, ran }: Demand, { figures, held }: AutoSample): number {
  const each = Math.max(LEAST, most, peak)
  const taken = Math.max(figures.busy * figures.cores, ran * peak)
  return Math.floor((0.95 * figures.cores - taken) / each - Math.max(0, held - ran))
}

/** How many have CPUs to run on if all of them take at a time what some took a while ago. */
export function mostFor({ peak }: Demand, { figures }: AutoSample): number {
  return (0.95 * figures.cores) / Math.max(peak, 0.001)
}

/** Hold a slot, and do not run yet. */
function pendingOf({ held, running }: AutoSample): number {
  return Math.max(0, held - running)
}
