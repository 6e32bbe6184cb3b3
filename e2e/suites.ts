import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/*
 * How `npm test` arranges the e2e suites. A suite that is not named in this file runs alone: it has its cluster and the
 * machine to itself, so that a new one is safe until somebody adds it to a list.
 *
 * TOGETHER: side by side on one cluster. It may be added when all of this holds:
 * - It needs the standard install: `openSession()` without values. It changes neither the release nor startgate's own
 *   objects, nodes, kubelets, container runtimes, the control plane, Secrets or the registry's rate.
 * - It looks only at what it made: its namespaces, its pods, the slots of its namespaces. No count over the cluster,
 *   and no limit of the cluster or of a node that pods of other suites use up (those of E2E_VALUES are out of the way).
 * - It claims no duration that a busy machine stretches, unless it measures that of something ordinary beside it.
 *
 * `suites.test.ts` refuses a suite of TOGETHER that writes what breaks shared parts.
 *
 * APART: with a cluster to itself, while another suite runs on a second cluster of the same machine. It may be added
 * when it claims no duration that a busy machine stretches, and reads no figures of the machine (CPU, pressure), which
 * all nodes share.
 */

/** Side by side on one cluster, the longest first. */
export const TOGETHER: readonly string[] = [
  'sequence-faults',
  'shapes',
  'daemons',
  'sequence',
  'tokens',
  'examples',
  'messages',
  'service-mesh',
  'rates',
  'study',
  'sequence-jobs',
  'sequence-moved',
  'page-browser',
  'rights',
  'lease-store',
]

/**
 * Each with a cluster to itself, the longest first: on a new machine that is the one whose image has to be built, which
 * nothing else that changes clusters can do meanwhile.
 */
export const APART: readonly string[] = [
  'cert-manager',
  'sequence-edges',
  'faults-leader',
  'limits',
  'pulls',
  'bad-days',
  'chart',
  'release',
  'sequence-restarts',
  'sequence-reboot',
  'faults-nodes',
  'faults-changes',
  'faults-control-plane',
  'direct-gates',
  'sequence-deletion',
  'chart-values',
  'resources',
  'skew',
  'abuse',
  'egress',
  'poison',
  'plugin',
  'monitoring',
  'page',
  'pull-ramp',
  'node-daemonset',
  'certificates',
  'certificate-repair',
  'plugin-check',
  'list-watch',
]

/** How many of TOGETHER run at a time. Three took as long as two on two cores: the creation of containers costs CPU. */
export const SIDE_BY_SIDE = 2

const SUFFIX = '.e2e.ts'

/** Path of a suite from the repository's root, as vitest takes it for a filter: `e2e/suites/limits.e2e.ts`. */
export const suitePath = (name: string): string => `e2e/suites/${name}${SUFFIX}`

export interface Arrangement {
  together: string[]
  apart: string[]
  alone: string[]
}

/** Names of the suites that have this word in their names, or of all, by how they run. */
export function arrangement(word = ''): Arrangement {
  const all = readdirSync(join(import.meta.dirname, 'suites')).filter(file => file.endsWith(SUFFIX))
  const names = all.map(file => file.slice(0, -SUFFIX.length)).filter(name => name.includes(word))
  return {
    together: TOGETHER.filter(name => names.includes(name)),
    apart: APART.filter(name => names.includes(name)),
    alone: names.filter(name => !TOGETHER.includes(name) && !APART.includes(name)).sort(),
  }
}

export const namesIn = ({ together, apart, alone }: Arrangement): string[] => [...together, ...apart, ...alone]
