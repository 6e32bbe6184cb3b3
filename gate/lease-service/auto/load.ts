import type { AutoSample } from './sample.ts'

/** Means of some samples, of the whole node, whoever made the load. */
export interface Load {
  samples: number
  cores: number
  /** Start slots held. */
  held: number
  /** Part of the CPUs' time, 0 to 1. */
  busy: number
  /** The same of the busiest second. */
  busiest: number
  ioWait: number
  /** Tasks that ran or waited for a CPU, but for the one that counted them. */
  runnable: number
  /** Percent of the time: `full` of a second where the kernel tells it, else half of `some` of 10 s. */
  ioStalled: number
  /** Percent of the last 10 s in which some task waited for memory. */
  memory: number
}

/** Above it one start more would find no CPU to speak of. */
const SATURATED = 0.9
/** Of a disk more cannot be known than how long CPUs were idle for it, or all that had work stood still. */
const MOST_IO_WAIT = 0.25
const MOST_IO_STALLED = 40
const MOST_MEMORY = 10
/** From here on it is worse than full. */
const FAR_IO_STALLED = 80
const FAR_MEMORY = 25

export function loadOf(samples: readonly AutoSample[]): Load {
  const mean = (pick: (sample: AutoSample) => number): number =>
    samples.reduce((sum, sample) => sum + pick(sample), 0) / Math.max(1, samples.length)
  return {
    samples: samples.length,
    cores: samples.at(-1)?.figures.cores ?? 1,
    held: mean(({ held }) => held),
    busy: mean(({ figures }) => figures.busy),
    busiest: Math.max(0, ...samples.map(({ figures }) => figures.busy)),
    ioWait: mean(({ figures }) => figures.ioWait),
    runnable: mean(({ figures }) => figures.runnable),
    ioStalled: mean(({ figures: { stalled, pressure } }) => stalled.io ?? (pressure.io ?? 0) / 2),
    memory: mean(({ figures: { stalled, pressure } }) => Math.max(stalled.memory ?? 0, pressure.memory ?? 0)),
  }
}

/** Why the node has nothing left for one start more; undefined when it has. */
export function fullOf(load: Load): 'cpu' | 'disk' | 'memory' | undefined {
  if (load.memory > MOST_MEMORY) return 'memory'
  if (load.busy > SATURATED || isCrowded(load)) return 'cpu'
  if (load.ioWait > MOST_IO_WAIT || load.ioStalled > MOST_IO_STALLED) return 'disk'
  return undefined
}

/** What the node has so little of that fewer starts would be better. */
export function farOverOf({ ioStalled, memory }: Load): 'disk' | 'memory' | undefined {
  if (memory > FAR_MEMORY) return 'memory'
  return ioStalled > FAR_IO_STALLED ? 'disk' : undefined
}

/** The tasks that can keep this many CPUs busy although some of them pause at times. */
const tasksFor = (cores: number): number => cores * 1.25

/** Whether there are more tasks than that. */
export function isCrowded({ runnable, cores }: Load): boolean {
  return runnable > tasksFor(cores)
}

/** The fewest starts that still have a task for each CPU, judged by the tasks of those that there are. */
export function fewestFor({ held, runnable, cores }: Load): number {
  return Math.max(1, Math.round((held * tasksFor(cores)) / runnable))
}

/** How many starts would keep the CPUs busy, if those to come were as those that there are. */
export function startsToFill({ held, busiest }: Load): number {
  return (held * 0.95) / Math.max(busiest, 0.01)
}
