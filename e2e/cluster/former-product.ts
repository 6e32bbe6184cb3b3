import { readFile, symlink } from 'node:fs/promises'
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
  await installPackages(dir)
  log(`building the product of ${commit}`)
  await run([process.execPath, join(dir, 'build.ts')])
  const ref = await withLock(log, () => imageOf(cluster, dir, 'startgate:former'))
  return { chart: join(dir, 'charts', 'startgate'), ref }
}

/** The packages of its own lock file: those of this clone where the two are the same. */
async function installPackages(dir: string): Promise<void> {
  const [ours, theirs] = await Promise.all([ROOT, dir].map(at => readFile(join(at, 'package-lock.json'), 'utf8')))
  if (ours === theirs) await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  else await run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', dir])
}
