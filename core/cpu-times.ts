/**
 * What /proc/stat tells of all CPUs together (https://docs.kernel.org/filesystems/proc.html). Times are since boot, in
 * the kernel's ticks: only parts of differences mean anything.
 */
export interface CpuTimes {
  /** CPUs that are on. */
  cores: number
  /** Of all CPUs. */
  total: number
  idle: number
  ioWait: number
  /** `procs_running`: tasks that run or wait for a CPU, the reader among them. */
  running: number
}

/** Parts of the time of all CPUs between two readings, 0 to 1. */
export interface CpuShares {
  /** Neither idle nor waiting for a disk. */
  busy: number
  ioWait: number
}

/** `text`: of /proc/stat. Undefined where that has no CPUs, as on another system. */
export function parseCpuTimes(text: string): CpuTimes | undefined {
  const line = /^cpu +([\d ]+)$/m.exec(text)?.[1]
  // Guests' time, which comes after these, is in user and nice already.
  const [user, nice, system, idle, ioWait, ...others] = line?.split(' ').slice(0, 8).map(Number) ?? []
  if (user === undefined || nice === undefined || system === undefined || idle === undefined) return undefined
  const total = [user, nice, system, idle, ioWait ?? 0, ...others].reduce((sum, ticks) => sum + ticks, 0)
  const cores = text.match(/^cpu\d+ /gm)?.length ?? 1
  const running = Number(/^procs_running (\d+)$/m.exec(text)?.[1] ?? 1)
  return { cores, total, idle, ioWait: ioWait ?? 0, running }
}

/**
 * Undefined where no time has passed. A part never goes below 0, though the kernel's counters do at times: of `iowait`
 * by its own word, of all when a CPU is taken off.
 */
export function cpuShares(before: CpuTimes, after: CpuTimes): CpuShares | undefined {
  const total = after.total - before.total
  if (total <= 0) return undefined
  const part = (ticks: number): number => Math.min(1, Math.max(0, ticks / total))
  const [idle, ioWait] = [part(after.idle - before.idle), part(after.ioWait - before.ioWait)]
  return { busy: Math.max(0, 1 - idle - ioWait), ioWait }
}
