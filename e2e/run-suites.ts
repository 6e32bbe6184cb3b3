import type { Cluster } from './cluster/cluster.ts'
import { buildProductImage } from './cluster/product-image.ts'
import { runVitest, say } from './run-vitest.ts'
import type { SuiteResult } from './suite-times.ts'
import { type Arrangement, SIDE_BY_SIDE, suitePath } from './suites.ts'

interface Suites {
  cluster: Cluster
  arranged: Arrangement
}

/** Runs suites: first those that share the cluster, then each of the others alone. */
export async function runSuites({ cluster, arranged }: Suites): Promise<SuiteResult[]> {
  const image = (await buildProductImage({ cluster, log: say })).ref
  const results = await together(cluster, image, arranged.together)
  for (const name of arranged.alone)
    results.push(
      ...(await runVitest(['--project', 'e2e', suitePath(name)], { title: name, env: envOf(cluster, image) })),
    )
  return results
}

/** Side by side on one cluster, which they leave as it is. */
async function together(cluster: Cluster, image: string, names: string[]): Promise<SuiteResult[]> {
  if (names.length === 0) return []
  const args = ['--project', 'e2e', '--fileParallelism', `--maxWorkers=${SIDE_BY_SIDE}`, ...names.map(suitePath)]
  return runVitest(args, { title: 'e2e side by side', env: { ...envOf(cluster, image), STARTGATE_E2E_SHARED: 'true' } })
}

const envOf = (cluster: Cluster, image: string): NodeJS.ProcessEnv => ({
  ...cluster.env,
  STARTGATE_E2E_CLUSTER: cluster.name,
  STARTGATE_E2E_IMAGE: image,
})
