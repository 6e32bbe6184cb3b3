import { join } from 'node:path'
import { bundle } from '../../build.ts'
import { packageChart, pushChart } from '../../release/chart.ts'
import { type Builder, buildImage, type ImageBuild } from '../../release/image/build-image.ts'
import { installedOrNpm, type PackageSource } from '../../release/image/native-module.ts'
import { type Layout, readLayout } from '../../release/image/oci-layout.ts'
import { IMAGE_ARCHS } from '../../release/model/platforms.ts'
import { headCommit, ROOT, versionsHere } from '../../release/repository.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { run, succeeds } from '../cluster/command.ts'
import { withLock } from '../cluster/lock.ts'
import { npmOrStandIn } from '../cluster/native-stand-in.ts'
import { type ReleaseBases, releaseBases } from '../cluster/release-bases.ts'
import { withReleaseBuilder } from '../cluster/release-builder.ts'
import type { Log } from '../cluster/step-cache.ts'

/** What the release workflow publishes, in the registry of a cluster. */
export interface Released {
  version: string
  /** By which nodes pull it. */
  ref: string
  /** As it was built into a folder, before the build that was pushed. */
  layout: Layout
  pushedDigest: string
  /** `oci://HOST/PATH`, for this machine's helm, by HTTP. */
  chart: string
}

const REPOSITORY = 'startgate-release'

/** How this machine builds for several platforms. */
interface Means {
  builder: Builder
  source: PackageSource
  /** Where the Dockerfile's own cannot be pulled. */
  bases?: ReleaseBases
}

/**
 * Builds image and chart of this checkout by the release's own steps, the image twice, and pushes both into the
 * cluster's registry. `dir` takes the files.
 */
export async function publish(cluster: Cluster, dir: string, log: Log): Promise<Released> {
  const commit = await headCommit()
  const version = `${(await versionsHere())['package.json']}-e2e.${commit.revision.slice(0, 12)}`
  const host = await cluster.registry.pushHost()
  const build = (means: Means) =>
    buildTwice(means, { version, ...commit }, join(dir, 'image'), `${host}/${REPOSITORY}:${version}`)
  // One `dist`, and steps that are cached.
  const { layout, pushedDigest } = await withLock(log, () => withMeans(cluster, build, log))
  const repository = `${cluster.registry.host}/${REPOSITORY}`
  const archive = await packageChart({ version, imageRepository: repository, into: dir })
  await pushChart(archive, `oci://${host}/charts`, true)
  return { version, ref: `${repository}:${version}`, layout, pushedDigest, chart: `oci://${host}/charts/startgate` }
}

type Facts = Pick<ImageBuild, 'version' | 'revision' | 'committedAt'>

async function buildTwice(
  { builder, source, bases }: Means,
  facts: Facts,
  layout: string,
  push: string,
): Promise<{ layout: Layout; pushedDigest: string }> {
  await bundle({ archs: IMAGE_ARCHS, source })
  const build = { ...facts, archs: IMAGE_ARCHS, ...(bases && { bases }), fresh: true }
  await buildImage({ ...build, to: { layout } }, ROOT, builder)
  await bundle({ archs: IMAGE_ARCHS, source })
  const pushedDigest = await buildImage({ ...build, to: { push, insecure: true } }, ROOT, builder)
  return { layout: await readLayout(layout), pushedDigest }
}

/** The docker provider has buildx and can pull; the local one makes all of it. */
async function withMeans<T>(cluster: Cluster, use: (means: Means) => Promise<T>, log: Log): Promise<T> {
  if (cluster.provider === 'local') {
    const bases = await releaseBases()
    return withReleaseBuilder(builder => use({ builder, bases, source: npmOrStandIn(ROOT, bases, log) }))
  }
  const name = 'startgate-e2e-release'
  const env = { ...cluster.env, BUILDX_BUILDER: name }
  const create = ['docker', 'buildx', 'create', '--name', name, '--driver', 'docker-container']
  await run([...create, '--driver-opt', 'network=host'], { env: cluster.env })
  try {
    return await use({ builder: { env }, source: installedOrNpm(ROOT) })
  } finally {
    await succeeds(['docker', 'buildx', 'rm', name], { env: cluster.env })
  }
}
