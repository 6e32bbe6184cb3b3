import { join } from 'node:path'
import { bundle } from '../../build.ts'
import { packageChart, pushChart } from '../../release/chart.ts'
import { buildImage, type ImageBuild, type ImageTarget } from '../../release/image/build-image.ts'
import { type Layout, readLayout } from '../../release/image/oci-layout.ts'
import { IMAGE_ARCHS } from '../../release/model/platforms.ts'
import { headCommit, ROOT, versionsHere } from '../../release/repository.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { withLock } from '../cluster/lock.ts'
import { type ReleaseMeans, withReleaseMeans } from '../cluster/release-means.ts'
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

/**
 * Builds image and chart of this checkout by the release's own steps, the image twice, and pushes both into the
 * cluster's registry. `dir` takes the files.
 */
export async function publish(cluster: Cluster, dir: string, log: Log): Promise<Released> {
  const commit = await headCommit()
  const version = `${(await versionsHere())['package.json']}-e2e.g${commit.revision.slice(0, 12)}`
  const host = await cluster.registry.pushHost()
  const build = (means: ReleaseMeans) =>
    buildTwice(means, { version, ...commit }, join(dir, 'image'), {
      push: `${host}/${REPOSITORY}:${version}`,
      insecure: true,
    })
  // One `dist`, and steps that are cached.
  const { layout, second } = await withLock(log, () => withReleaseMeans(cluster, build, log))
  const repository = `${cluster.registry.host}/${REPOSITORY}`
  const archive = await packageChart({ version, imageRepository: repository, into: dir })
  await pushChart(archive, `oci://${host}/charts`, true)
  return {
    version,
    ref: `${repository}:${version}`,
    layout,
    pushedDigest: second,
    chart: `oci://${host}/charts/startgate`,
  }
}

type Facts = Pick<ImageBuild, 'version' | 'revision' | 'committedAt' | 'source'>

/** Builds the image into a folder, and again, bundles too, to where it is wanted; returns the second's digest. */
export async function buildTwice(
  { builder, source, bases }: ReleaseMeans,
  facts: Facts,
  layout: string,
  to: ImageTarget,
): Promise<{ layout: Layout; second: string }> {
  const build = { ...facts, archs: IMAGE_ARCHS, ...(bases && { bases }), fresh: true }
  await bundle({ archs: IMAGE_ARCHS, source })
  await buildImage({ ...build, to: { layout } }, ROOT, builder)
  await bundle({ archs: IMAGE_ARCHS, source })
  const second = await buildImage({ ...build, to }, ROOT, builder)
  return { layout: await readLayout(layout), second }
}
