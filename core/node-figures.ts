import type { Pressure } from './pressure.ts'

/**
 * What the kernel of a node told of about one second; of a few where so many nodes tell that each does less often. All
 * of it is of the whole node, whoever made it.
 */
export interface NodeFigures {
  /** CPUs that are on, by /proc/stat: of a node whose kubelet keeps some back, more than pods may use. */
  cores: number
  /** Part of the time of all CPUs that was neither idle nor waiting for a disk, 0 to 1. */
  busy: number
  /** Part of it in which a CPU was idle and some task waited for a disk, 0 to 1. */
  ioWait: number
  /** Tasks that ran or waited for a CPU at the end of it (`procs_running`), without the one that counted them. */
  runnable: number
  /** Of the last 10 s, as `maxPressure` is judged by. */
  pressure: Pressure
  /**
   * Percent of this time in which every task that had work was stalled (the `full` lines of /proc/pressure); absent
   * where the kernel has no pressure stall information.
   */
  stalled: { io?: number; memory?: number }
}
