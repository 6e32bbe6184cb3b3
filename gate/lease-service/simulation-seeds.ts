import { simulate } from './simulation.ts'

/** How many test files share the seeds, so that every core has work. */
const PARTS = 4

/** Test support. A seed that showed a fault, and what it showed. */
export interface Failure {
  /** How to see it again. */
  replay: string
  violations: string[]
}

/**
 * Runs one part of the seeds and returns the first that shows a fault. The seeds are 1 to STARTGATE_RUNS, always the
 * same ones; STARTGATE_SEED runs that one alone, in the first part.
 */
export function firstFailure(part: number, env: NodeJS.ProcessEnv): Failure | undefined {
  for (const seed of seedsOf(part, env)) {
    const { violations } = simulate(seed)
    if (violations.length > 0) return { replay: `STARTGATE_SEED=${seed}`, violations }
  }
  return undefined
}

function seedsOf(part: number, { STARTGATE_SEED: seed, STARTGATE_RUNS: runs = '200' }: NodeJS.ProcessEnv): number[] {
  if (seed !== undefined) return part === 1 ? [Number(seed)] : []
  return Array.from({ length: Number(runs) }, (_, i) => i + 1).filter(n => n % PARTS === part - 1)
}
