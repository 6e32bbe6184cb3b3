import { createReadStream, existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { bundle } from '../../build.ts'
import { ownArch } from '../../release/model/platforms.ts'
import { type Cluster, findCluster } from './cluster.ts'
import { run } from './command.ts'
import { withLock } from './lock.ts'
import { clusterPaths } from './paths.ts'
import { provider } from './provider.ts'
import { type Log, scratch } from './step-cache.ts'
import { writeWhole } from './whole-file.ts'

/** The tag that always means the last build. */
export const PRODUCT_IMAGE = 'startgate:dev'

export interface ProductImage {
  /** Tag that changes with the content, so that a Deployment rolls when it is changed to it. */
  ref: string
  /** What a pull moves: the sum of the layers as gzip makes them. */
  bytesCompressed: number
}

export interface BuildOptions {
  /** The cluster whose Docker daemon builds it; the default cluster unless told otherwise. */
  cluster?: Cluster
  log?: Log
}

/** Bundles the product and builds its image, tagged `startgate:dev` and by content. */
export async function buildProductImage(options: BuildOptions = {}): Promise<ProductImage> {
  const { log = () => undefined } = options
  const cluster = options.cluster ?? (await findCluster())
  if (!cluster) throw new Error('the product image is built in the cluster’s Docker daemon; run: npm run cluster:up')
  // One `dist` and one tag: two builds at the same time would mix.
  return withLock(log, () => build(cluster, log))
}

async function build(cluster: Cluster, log: Log): Promise<ProductImage> {
  for (const [file, bytes] of Object.entries(await bundle())) log(`${file}: ${Math.round(bytes / 1024)} KiB`)

  const ref = await imageOf(cluster, join(import.meta.dirname, '..', '..'), PRODUCT_IMAGE)
  const bytesCompressed = await compressedSize(ref, cluster.env)
  log(`image ${ref}: ${(bytesCompressed / 1e6).toFixed(1)} MB compressed`)
  return { ref, bytesCompressed }
}

/** Builds the image of the sources and bundles in `context`, tagged `tag` and by content; returns the latter. */
export async function imageOf(cluster: Cluster, context: string, tag: string): Promise<string> {
  const { base, busybox } = await provider(cluster.provider).productBase()
  const buildArgs = [`BASE_IMAGE=${base}`, `BUSYBOX_IMAGE=${busybox}`, `TARGETARCH=${ownArch()}`]
  const args = buildArgs.flatMap(each => ['--build-arg', each])
  await run(['docker', 'build', '-q', ...args, '-t', tag, context], { env: cluster.env })
  const { stdout } = await run(['docker', 'image', 'inspect', '-f', '{{.Id}}', tag], { env: cluster.env })
  const ref = `startgate:${stdout.trim().replace('sha256:', '').slice(0, 12)}`
  await run(['docker', 'tag', tag, ref], { env: cluster.env })
  return ref
}

// Compressing takes seconds and the base layer hardly ever changes: sizes are kept by layer.
async function compressedSize(ref: string, env: NodeJS.ProcessEnv): Promise<number> {
  const file = join(clusterPaths().steps, 'layer-sizes.json')
  const sizes: Record<string, number> = existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : {}
  const { stdout } = await run(['docker', 'image', 'inspect', '-f', '{{json .RootFS.Layers}}', ref], { env })
  const layers = JSON.parse(stdout) as string[]
  if (layers.some(layer => sizes[layer] === undefined)) {
    await scratch('layer-sizes', async dir => {
      await run(['docker', 'save', '-o', join(dir, 'image.tar'), ref], { env })
      await run(['tar', '-xf', join(dir, 'image.tar'), '-C', dir])
      const [{ Layers }] = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')) as [{ Layers: string[] }]
      for (const [index, layer] of layers.entries()) sizes[layer] ??= await gzipSize(join(dir, Layers[index] ?? ''))
    })
    await writeWhole(file, JSON.stringify(sizes))
  }
  return layers.reduce((sum, layer) => sum + (sizes[layer] ?? 0), 0)
}

async function gzipSize(file: string): Promise<number> {
  let bytes = 0
  await pipeline(createReadStream(file), createGzip(), async chunks => {
    for await (const chunk of chunks) bytes += (chunk as Buffer).length
  })
  return bytes
}
