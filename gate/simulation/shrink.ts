import { ACTS, type Act } from './chaos.ts'
import { type Cuts, type Faults, simulate } from './simulation.ts'
import { Journal } from './situations.ts'

const MOST_PODS = 24

/** A world that shows a fault, as small as it was got. */
export interface Shrunk {
  /** What was left out of it, in words. */
  cuts: string
  violations: string[]
  /** All that happened, a line each. */
  timeline: string[]
}

/**
 * Test support. Leaves out of a failing world what it can do without: acts of chaos one by one, then pods, as long as
 * a violation of the same kind is left. Whatever is left out changes what chance brings later, so it is a search, not a
 * proof.
 */
export async function shrink(seed: number, faults: Faults, violation: string): Promise<Shrunk> {
  const kind = violation.split(':', 1)[0] ?? ''
  const fails = async (cuts: Cuts): Promise<boolean> => {
    const { violations } = await simulate(seed, faults, undefined, cuts)
    return violations.some(found => found.startsWith(`${kind}:`))
  }
  const without = new Set<Act>()
  for (const act of ACTS) {
    without.add(act)
    if (!(await fails({ without }))) without.delete(act)
  }
  let pods = MOST_PODS
  for (let fewer = 1; fewer < pods; fewer++) if (await fails({ without, pods: fewer })) pods = fewer
  const journal = new Journal()
  const { violations } = await simulate(seed, faults, journal, { without, pods })
  return {
    cuts: `at most ${pods} pods, without ${[...without].join(', ') || 'nothing'}`,
    violations,
    timeline: journal.lines,
  }
}
