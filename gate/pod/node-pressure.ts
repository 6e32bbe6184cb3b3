import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PRESSURE_RESOURCES, type Pressure, parsePressure } from '../../core/pressure.ts'

/**
 * The pressure on this node: /proc/pressure has no namespaces, so a container sees its node's. Empty where the kernel
 * does not tell (built without it, or booted with psi=0); never rejects.
 */
export async function readPressure(directory = '/proc/pressure'): Promise<Pressure> {
  const figures = await Promise.all(
    PRESSURE_RESOURCES.map(async resource => {
      const percent = parsePressure(await readFile(join(directory, resource), 'utf8').catch(() => ''))
      return percent === undefined ? {} : { [resource]: percent }
    }),
  )
  return Object.assign({}, ...figures) as Pressure
}
