import { readdirSync } from 'node:fs'

/**
 * The suites that `npm test` runs side by side on its one cluster, the longest first. EVERY OTHER SUITE RUNS ALONE, so a
 * new one is safe until somebody adds it here. It may be added when all of this holds:
 *
 * - It needs the standard install: `openSession()` without values. It neither changes the release nor startgate's own
 *   objects, nodes, kubelets, container runtimes, the control plane, Secrets or the registry's rate.
 * - It looks only at what it made: its namespaces, its pods, the slots of its namespaces. No count over the cluster, and
 *   no limit of the cluster or of a node that pods of other suites use up (those of E2E_VALUES are out of the way).
 * - It claims no duration that a busy machine stretches, unless it measures that of something ordinary beside it.
 *
 * `suites.test.ts` refuses a listed suite that imports what breaks shared parts.
 */
export const TOGETHER: readonly string[] = [
  'sequence-faults',
  'limits',
  'shapes',
  'tokens',
  'daemons',
  'sequence',
  'messages',
  'rates',
  'study',
  'sequence-jobs',
  'sequence-moved',
  'lease-store',
]

/** How many of them run at a time: each waits most of the time, and more than this wait for the two cores of CI. */
export const SIDE_BY_SIDE = 4

const SUFFIX = '.e2e.ts'

/** Path of a suite from the repository's root, as vitest takes it for a filter: `e2e/limits.e2e.ts`. */
export const suitePath = (name: string): string => `e2e/${name}${SUFFIX}`

export interface Arrangement {
  together: string[]
  alone: string[]
}

/** Names of all suites whose name has this word in it, or of all: those that run side by side, and those that run alone. */
export function arrangement(word = ''): Arrangement {
  const all = readdirSync(import.meta.dirname).filter(file => file.endsWith(SUFFIX))
  const names = all.map(file => file.slice(0, -SUFFIX.length)).filter(name => name.includes(word))
  return {
    together: TOGETHER.filter(name => names.includes(name)),
    alone: names.filter(name => !TOGETHER.includes(name)).sort(),
  }
}
