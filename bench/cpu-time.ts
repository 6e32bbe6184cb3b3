import { readFileSync } from 'node:fs'

/** The kernel counts CPU time in hundredths of a second (USER_HZ), on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

/**
 * CPU seconds that the machine has worked since its boot: those of all that runs on it, of the cluster's nodes too,
 * which share its kernel.
 */
export function machineCpuSeconds(): number {
  return cpuSecondsIn(readFileSync('/proc/stat', 'utf8'))
}

/**
 * The same from the text of /proc/stat (proc_stat(5)): user, nice, system, irq and softirq. Not idle and iowait; nor
 * steal, which others had; nor guest, which user has already.
 */
export function cpuSecondsIn(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
    /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').map(Number) ?? []
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND
}
