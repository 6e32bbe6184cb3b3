/** What the kernel's pressure stall information tells of: https://docs.kernel.org/accounting/psi.html */
export const PRESSURE_RESOURCES = ['cpu', 'io', 'memory'] as const
export type PressureResource = (typeof PRESSURE_RESOURCES)[number]

/** Percent of the last 10 s in which some task waited for a resource; absent where nothing is known. */
export type Pressure = Partial<Record<PressureResource, number>>

/** The figure of one file of /proc/pressure; undefined when it has none. */
export function parsePressure(text: string): number | undefined {
  const percent = /^some avg10=(\d+\.\d+) /m.exec(text)?.[1]
  return percent === undefined ? undefined : Math.min(100, Number(percent))
}
