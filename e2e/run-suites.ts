import { freemem } from 'node:os'
import { type Cluster, clusterDown, clusterUp } from './cluster/cluster.ts'
import { lineLog } from './cluster/line-log.ts'
import { buildProductImage } from './cluster/product-image.ts'
import { type RunOptions, runVitest, say } from './run-vitest.ts'
import type { SuiteResult } from './suite-times.ts'
import { type Arrangement, SIDE_BY_SIDE, suitePath } from './suites.ts'

interface Suites {
  cluster: Cluster
  arranged: Arrangement
  /** Once it is aborted none begins, and those that run end. */
  signal: AbortSignal
}

/** A cluster's nodes and what suites start on them, with room to spare. */
const MEMORY_OF_A_CLUSTER = 5e9

export const secondName = (first: string): string => `${first}-second`

/**
 * Runs suites. First, on two clusters at a time, those that need the machine less than a cluster: they wait most of the
 * time, and two use two cores better than one. Then on the first cluster those that need the machine to themselves.
 */
export async function runSuites({ cluster, arranged, signal }: Suites): Promise<SuiteResult[]> {
  const image = (await buildProductImage({ cluster, log: say })).ref
  const left = [...arranged.apart]
  const results: SuiteResult[] = []
  const work = async (on: Cluster): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift())
      results.push(...(await oneSuite(on, image, name, { isBeside: true, signal })))
  }
  const first = async (): Promise<void> => {
    results.push(...(await together(cluster, image, arranged.together, signal)))
    await work(cluster)
  }
  await Promise.all([first(), onSecond(cluster, arranged, work)])
  for (const name of arranged.alone)
    results.push(...(await oneSuite(cluster, image, name, { isBeside: false, signal })))
  return results
}

/** Works on a second cluster where there is enough to do for it, and memory. Without one the first does it all. */
async function onSecond(
  { name }: Cluster,
  { together, apart }: Arrangement,
  work: (on: Cluster) => Promise<void>,
): Promise<void> {
  if (apart.length + Math.sign(together.length) < 2) return
  if (freemem() < MEMORY_OF_A_CLUSTER)
    return say(`one cluster only: less than ${MEMORY_OF_A_CLUSTER / 1e9} GB are free`)
  const second = secondName(name)
  const log = lineLog(process.stdout, `${second}: `)
  try {
    await work(await clusterUp({ name: second, log }))
  } catch (error) {
    say(`one cluster only: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await clusterDown({ name: second, log }).catch(error => say(`${second} is left: ${error.message}`))
  }
}

function oneSuite(
  on: Cluster,
  image: string,
  name: string,
  options: Pick<RunOptions, 'isBeside' | 'signal'>,
): Promise<SuiteResult[]> {
  return runVitest(['--project', 'e2e', suitePath(name)], { title: name, env: envOf(on, image), ...options })
}

/** Side by side on one cluster, which they leave as it is. */
async function together(cluster: Cluster, image: string, names: string[], signal: AbortSignal): Promise<SuiteResult[]> {
  if (names.length === 0) return []
  const args = ['--project', 'e2e', '--fileParallelism', `--maxWorkers=${SIDE_BY_SIDE}`, ...names.map(suitePath)]
  const env = { ...envOf(cluster, image), STARTGATE_E2E_SHARED: 'true' }
  return runVitest(args, { title: 'e2e side by side', env, isBeside: true, signal })
}

const envOf = (cluster: Cluster, image: string): NodeJS.ProcessEnv => ({
  ...cluster.env,
  STARTGATE_E2E_CLUSTER: cluster.name,
  STARTGATE_E2E_IMAGE: image,
})
