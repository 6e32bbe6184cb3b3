import { InvalidValueError, notValid } from './errors.ts'

/** What the kernel's pressure stall information tells of: https://docs.kernel.org/accounting/psi.html */
export const PRESSURE_RESOURCES = ['cpu', 'io', 'memory'] as const
export type PressureResource = (typeof PRESSURE_RESOURCES)[number]

/** Percent of the last 10 s in which some task waited for a resource; absent where nothing is known. */
export type Pressure = Partial<Record<PressureResource, number>>

/** What a gate can tell of its node. */
export interface NodeLoad {
  pressure: Pressure
  /** Part of the time of all CPUs that was neither idle nor waiting for a disk, 0 to 1; absent where not measured. */
  busy?: number
}

/** The figure of one file of /proc/pressure; undefined when it has none. */
export function parsePressure(text: string): number | undefined {
  const percent = /^some avg10=(\d+\.\d+) /m.exec(text)?.[1]
  return percent === undefined ? undefined : Math.min(100, Number(percent))
}

/** Of the files of /proc/pressure, each empty where it is missing. */
export function parsePressures(texts: Record<PressureResource, string>): Pressure {
  const pressure: Pressure = {}
  for (const resource of PRESSURE_RESOURCES) {
    const percent = parsePressure(texts[resource])
    if (percent !== undefined) pressure[resource] = percent
  }
  return pressure
}

/**
 * The most pressure a node may be under, as its annotation has it: `cpu: 80, io: 50`. Throws InvalidValueError that
 * names `field` on anything else.
 */
export function parseMaxPressure(field: string, text: string): Pressure {
  const max: Pressure = {}
  for (const part of text.split(',')) {
    const [, resource = '', digits = ''] = /^\s*(\w+)\s*:\s*(\d{1,3}(?:\.\d{1,6})?)\s*$/.exec(part) ?? []
    const known = PRESSURE_RESOURCES.find(r => r === resource)
    const percent = Number(digits)
    if (!known || max[known] !== undefined || percent <= 0 || percent > 100)
      throw new InvalidValueError(
        field,
        text,
        notValid('maximum', '"cpu: 80"', '"cpu: 80, io: 50" (percentages above 0 and up to 100 of cpu, io and memory)'),
      )
    max[known] = percent
  }
  return max
}
