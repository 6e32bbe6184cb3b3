import { type GateName, PULL_GATE } from '../../core/names.ts'

/**
 * How often each gate of this pod has let it pass, as the markers in the shared emptyDir say; the emptyDir outlives the
 * sandbox.
 */
export interface Runs {
  pull: number
  start: number
}

/**
 * Which run of the pod's init containers this is: 1 at first, one more after each sandbox made anew.
 * The start gate goes by the pull gate's count where that is further on: a sandbox that died between the two left the
 * start gate's marker behind.
 */
export function attemptOf(gate: GateName, runs: Runs): number {
  return gate === PULL_GATE ? runs.pull + 1 : Math.max(runs.start + 1, runs.pull)
}

/** Whether a gate of this very run has failed open since the last contact, by the marker that it left. */
export function isLostIn(attempt: number, marker: string | undefined): boolean {
  return parseRuns(marker) === attempt
}

/** A marker's content as a count; anything unreadable counts as never run. */
export function parseRuns(text: string | undefined): number {
  const runs = Number((text ?? '').trim())
  return Number.isSafeInteger(runs) && runs > 0 ? runs : 0
}
