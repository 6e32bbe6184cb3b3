import { join } from 'node:path'
import type { Cluster } from './cluster.ts'
import { run } from './command.ts'
import { withLock } from './lock.ts'
import { imageOf } from './product-image.ts'
import type { Log } from './step-cache.ts'

/** A version of startgate that can be installed. */
export interface Product {
  /** Folder of the chart. */
  chart: string
  /** Image in the cluster's Docker daemon. */
  ref: string
}

const ROOT = join(import.meta.dirname, '..', '..')

/**
 * Builds the product as it was at `commit` of this clone, in `dir`, an empty folder. Fails where the clone does not
 * reach back so far.
 */
export async function formerProduct(
  cluster: Cluster,
  { commit, dir }: { commit: string; dir: string },
  log: Log,
): Promise<Product> {
  const git = (args: string[]) => run(['git', '-C', ROOT, ...args])
  await git(['cat-file', '-e', `${commit}^{commit}`]).catch(cause => {
    throw new Error(`commit ${commit} is not in this clone: get all of the history (git fetch --unshallow)`, { cause })
  })
  await git(['archive', '-o', join(dir, 'source.tar'), commit])
  await run(['tar', '-xf', join(dir, 'source.tar'), '-C', dir])
  // Not a link to ours where the lock files are the same: bundles tell of packages by their folders.
  await run(['npm', 'ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--prefix', dir])
  log(`building the product of ${commit}`)
  await run([process.execPath, join(dir, 'build.ts')])
  const ref = await withLock(log, () => imageOf(cluster, dir, 'startgate:former'))
  return { chart: join(dir, 'charts', 'startgate'), ref }
}
