import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Arch } from '../model/platforms.ts'
import { type TarFile, tarFiles } from './tar-files.ts'

/* An image in a folder: https://github.com/opencontainers/image-spec/blob/main/image-layout.md */

interface Descriptor {
  mediaType: string
  digest: string
  size: number
  platform?: { os: string; architecture: string }
}

/** What an image runs, in the words of its configuration. */
export interface ImageConfig {
  architecture: string
  os: string
  created?: string
  config: { Entrypoint?: string[]; Env?: string[]; User?: string; WorkingDir?: string; Labels?: Record<string, string> }
}

export interface LayoutImage {
  arch: Arch
  digest: string
  config: ImageConfig
  /** What a pull moves, in bytes: the layers as they are compressed. */
  bytesCompressed: number
  layers: readonly Descriptor[]
}

export interface Layout {
  dir: string
  /** Of the index that names an image for each platform: what is signed. */
  digest: string
  images: LayoutImage[]
}

/** Reads what is in a layout of one image for several platforms, and checks every blob but the layers by its digest. */
export async function readLayout(dir: string): Promise<Layout> {
  const { manifests } = JSON.parse(await readFile(join(dir, 'index.json'), 'utf8')) as { manifests: Descriptor[] }
  const [index] = manifests
  if (index === undefined || manifests.length > 1) throw new Error(`${dir} holds ${manifests.length} images, not one`)
  const found = await readBlob<{ manifests?: Descriptor[] }>(dir, index.digest)
  if (found.manifests === undefined) throw new Error(`${dir} holds an image for one platform, not an index of images`)
  const images = await Promise.all(found.manifests.map(manifest => readImage(dir, manifest)))
  return { dir, digest: index.digest, images }
}

async function readImage(dir: string, { digest, platform }: Descriptor): Promise<LayoutImage> {
  const { config, layers } = await readBlob<{ config: Descriptor; layers: Descriptor[] }>(dir, digest)
  const bytesCompressed = layers.reduce((sum, layer) => sum + layer.size, 0)
  const arch = (platform?.architecture ?? 'none') as Arch
  return { arch, digest, config: await readBlob(dir, config.digest), bytesCompressed, layers }
}

const blobFile = (dir: string, digest: string): string => join(dir, 'blobs', ...digest.split(':'))

async function readBlob<T>(dir: string, digest: string): Promise<T> {
  const content = await readFile(blobFile(dir, digest))
  const found = `sha256:${createHash('sha256').update(content).digest('hex')}`
  if (found !== digest) throw new Error(`${dir}: the blob ${digest} has the digest ${found}`)
  return JSON.parse(content.toString()) as T
}

/** The regular files of an image, those of an upper layer after those of the lower ones. One layer is in memory. */
export async function* filesOf(dir: string, image: LayoutImage): AsyncGenerator<TarFile> {
  for (const { digest, mediaType } of image.layers) {
    const blob = await readFile(blobFile(dir, digest))
    if (mediaType.endsWith('+zstd')) throw new Error(`${digest}: layers compressed by zstd cannot be read here`)
    yield* tarFiles(mediaType.endsWith('gzip') ? gunzipSync(blob) : blob)
  }
}
