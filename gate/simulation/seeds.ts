import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Shrunk, shrink } from './shrink.ts'
import { simulate } from './simulation.ts'
import { type Situation, Situations } from './situations.ts'

/** How many test files share the seeds, so that every core has work. */
const PARTS = 4

/** Fewer worlds need not show everything that may happen. */
const SEEDS_FOR_ALL = 1_000

/** Test support. What one part of the seeds came to. */
export interface Result {
  /** The first seed that showed a fault, if one did. */
  failure?: {
    /** How to see it again. */
    replay: string
    violations: string[]
    /** As small as it was got. */
    smallest: Shrunk
  }
  /** What should have happened and never did. */
  missing: Situation[]
  situations: string
}

/**
 * Runs one part of the seeds, up to the first that shows a fault. The seeds are 1 to STARTGATE_RUNS, always the same
 * ones: 5,000 where it is not given, so that each part has enough of them to show every situation. 10,000 are for
 * whoever has changed how anything is decided. STARTGATE_SEED runs that one alone, in the first part.
 */
export async function runPart(part: number, env: NodeJS.ProcessEnv): Promise<Result> {
  const situations = new Situations()
  const seeds = seedsOf(part, env)
  for (const seed of seeds) {
    const { violations } = await simulate(seed, {}, situations)
    if (violations.length > 0)
      return {
        failure: {
          ...{ replay: `STARTGATE_SEED=${seed}`, violations },
          smallest: await shrink(seed, {}, violations[0] ?? ''),
        },
        missing: [],
        situations: situations.toString(),
      }
  }
  return { missing: seeds.length < SEEDS_FOR_ALL ? [] : situations.missing(), situations: situations.toString() }
}

/** The same in a thread in which Node itself loads the modules: the test runner's way of calling them costs a fifth. */
export async function runApart(part: number, env: NodeJS.ProcessEnv): Promise<Result> {
  const { STARTGATE_SEED, STARTGATE_RUNS } = env
  const worker = new Worker(new URL('./seeds-worker.ts', import.meta.url), {
    workerData: { part, env: { STARTGATE_SEED, STARTGATE_RUNS } },
  })
  const [result] = (await once(worker, 'message')) as [Result]
  return result
}

function seedsOf(part: number, { STARTGATE_SEED: seed, STARTGATE_RUNS: runs = '5000' }: NodeJS.ProcessEnv): number[] {
  if (seed !== undefined) return part === 1 ? [Number(seed)] : []
  return Array.from({ length: Number(runs) }, (_, i) => i + 1).filter(n => n % PARTS === part - 1)
}
