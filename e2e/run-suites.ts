import { type Cluster, clusterDown, clusterUp } from './cluster/cluster.ts'
import { buildProductImage } from './cluster/product-image.ts'
import { runVitest, say } from './run-vitest.ts'
import type { SuiteResult } from './suite-times.ts'
import { type Arrangement, SIDE_BY_SIDE, suitePath } from './suites.ts'

interface Suites {
  cluster: Cluster
  arranged: Arrangement
  /** Run the unit tests too: they only compute, and take what time the suites leave, which mostly wait. */
  withUnit: boolean
}

/** Name of the cluster that runs beside one of this name. */
export const secondOf = (name: string): string => `${name}-2`

/**
 * Runs suites on this cluster and, if several need one of their own, on a second one, which it brings up and takes down.
 * Those that run alone come last, when nothing else runs any more.
 */
export async function runSuites({ cluster, arranged, withUnit }: Suites): Promise<SuiteResult[]> {
  const image = (await buildProductImage({ cluster, log: say })).ref
  const unit = withUnit
    ? runVitest(['--project', 'unit'], { title: 'unit', env: cluster.env, behind: true, held: true })
    : []
  const queue = [...arranged.ownCluster]
  const first = async () => [
    ...(await together(cluster, image, arranged.together)),
    ...(await drain(cluster, image, queue)),
  ]
  const second = async () => (queue.length > 1 ? onSecond(secondOf(cluster.name), image, queue) : [])
  const results = await Promise.all([first(), second(), unit])
  return [...results.flat(), ...(await drain(cluster, image, [...arranged.alone]))]
}

/** Side by side on one cluster, which they leave as it is. */
async function together(cluster: Cluster, image: string, names: string[]): Promise<SuiteResult[]> {
  if (names.length === 0) return []
  const args = ['--project', 'e2e', '--fileParallelism', `--maxWorkers=${SIDE_BY_SIDE}`, ...names.map(suitePath)]
  return runVitest(args, { title: 'e2e side by side', env: { ...envOf(cluster, image), STARTGATE_E2E_SHARED: 'true' } })
}

/** Takes one suite after another from the queue, until somebody has taken the last one. */
async function drain(cluster: Cluster, image: string, queue: string[]): Promise<SuiteResult[]> {
  const results: SuiteResult[] = []
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const options = { title: `${name} on ${cluster.name}`, env: envOf(cluster, image), held: true }
    results.push(...(await runVitest(['--project', 'e2e', suitePath(name)], options)))
  }
  return results
}

async function onSecond(name: string, image: string, queue: string[]): Promise<SuiteResult[]> {
  const log = (line: string) => say(`${name}: ${line}`)
  try {
    const cluster = await clusterUp({ name, log })
    return await drain(cluster, image, queue)
  } catch (error) {
    // Not the tests' fault: a machine too small for two. The first cluster takes what is left.
    log(`no second cluster: ${error instanceof Error ? error.message : String(error)}`)
    return []
  } finally {
    await clusterDown({ name, log })
  }
}

const envOf = (cluster: Cluster, image: string): NodeJS.ProcessEnv => ({
  ...cluster.env,
  STARTGATE_E2E_CLUSTER: cluster.name,
  STARTGATE_E2E_IMAGE: image,
})
