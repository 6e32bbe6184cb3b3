import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CpuTimes, cpuShares, parseCpuTimes } from '../../core/cpu-times.ts'
import { type NodeLoad, type Pressure, type PressureResource, parsePressures } from '../../core/pressure.ts'

/** Shorter the kernel's ticks, of 10 ms, would be too few to tell much. */
const MEASURE_MS = 1_000

/**
 * The pressure on this node: /proc/pressure has no namespaces, so a container sees its node's. Empty where the kernel
 * does not tell (built without it, or booted with psi=0); never rejects.
 */
export async function readPressure(directory = '/proc/pressure'): Promise<Pressure> {
  return parsePressures(await readPressureTexts(directory))
}

/** Its files as they are, each empty where it is missing; never rejects. */
export async function readPressureTexts(directory: string): Promise<Record<PressureResource, string>> {
  const text = (resource: PressureResource): Promise<string> =>
    readFile(join(directory, resource), 'utf8').catch(() => '')
  const [cpu, io, memory] = await Promise.all([text('cpu'), text('io'), text('memory')])
  return { cpu, io, memory }
}

/**
 * The same, and how busy the node's CPUs were in the second that this takes; /proc/stat has no namespaces either.
 * `pause` waits for that long. Never rejects.
 */
export async function measureLoad(proc = '/proc', pause = () => sleep(MEASURE_MS)): Promise<NodeLoad> {
  const before = await readCpuTimes(proc)
  if (before) await pause()
  const [after, pressure] = [await readCpuTimes(proc), await readPressure(join(proc, 'pressure'))]
  const busy = before && after && cpuShares(before, after)?.busy
  return { pressure, ...(busy !== undefined && { busy }) }
}

async function readCpuTimes(proc: string): Promise<CpuTimes | undefined> {
  return parseCpuTimes(await readFile(join(proc, 'stat'), 'utf8').catch(() => ''))
}
