import { type CpuTimes, cpuShares, parseCpuTimes } from '../../core/cpu-times.ts'
import type { NodeFigures } from '../../core/node-figures.ts'
import { type Pressure, type PressureResource, parsePressures } from '../../core/pressure.ts'

/** What the kernel's files say at one moment. */
export interface NodeTexts {
  /** /proc/stat */
  stat: string
  /** /proc/pressure; empty where a file is missing. */
  pressure: Record<PressureResource, string>
}

/** The same, read. */
export interface NodeReading {
  /** Monotonic. */
  atMs: number
  cpu: CpuTimes
  pressure: Pressure
  /** Since boot, ms in which every task that had work was stalled. */
  stalledMs: { io?: number; memory?: number }
}

/** Undefined where the kernel does not tell of its CPUs. */
export function readingOf({ stat, pressure: texts }: NodeTexts, atMs: number): NodeReading | undefined {
  const cpu = parseCpuTimes(stat)
  if (!cpu) return undefined
  return { atMs, cpu, pressure: parsePressures(texts), stalledMs: ofBoth(resource => fullMs(texts[resource])) }
}

/** Undefined where no time lies between the two. */
export function figuresBetween(before: NodeReading, after: NodeReading): NodeFigures | undefined {
  const shares = cpuShares(before.cpu, after.cpu)
  const ms = after.atMs - before.atMs
  if (!shares || ms <= 0) return undefined
  return {
    cores: after.cpu.cores,
    busy: rounded(shares.busy),
    ioWait: rounded(shares.ioWait),
    // The reader runs, or it could not read.
    runnable: Math.max(0, after.cpu.running - 1),
    pressure: after.pressure,
    stalled: ofBoth(resource => {
      const [from, to] = [before.stalledMs[resource], after.stalledMs[resource]]
      return from === undefined || to === undefined
        ? undefined
        : rounded(Math.min(100, Math.max(0, ((to - from) * 100) / ms)))
    }),
  }
}

function ofBoth(of: (resource: 'io' | 'memory') => number | undefined): { io?: number; memory?: number } {
  const [io, memory] = [of('io'), of('memory')]
  return { ...(io !== undefined && { io }), ...(memory !== undefined && { memory }) }
}

/** The kernel counts microseconds: https://docs.kernel.org/accounting/psi.html */
function fullMs(text: string): number | undefined {
  const usec = /^full [^\n]*total=(\d+)$/m.exec(text)?.[1]
  return usec === undefined ? undefined : Number(usec) / 1_000
}

/** More digits would tell nothing, and cost bytes of each frame. */
function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
