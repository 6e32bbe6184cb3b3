import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Arch } from '../../release/model/platforms.ts'
import { DEFAULT_PATH, type ImageConfig } from './image-archive.ts'

/** One platform of an image with one layer, a tar file. */
export interface PlatformImage {
  arch: Arch
  layer: string
  config: ImageConfig
}

interface Descriptor {
  mediaType: string
  digest: string
  size: number
}

const OCI = 'application/vnd.oci.image'

/** Writes an OCI layout of one image for several platforms into an empty folder; returns the digest of its index. */
export async function writeOciLayout(dir: string, images: readonly PlatformImage[]): Promise<string> {
  await mkdir(join(dir, 'blobs', 'sha256'), { recursive: true })
  await writeFile(join(dir, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  const manifests = []
  for (const { arch, layer, config } of images) {
    const { descriptor, diffId } = await addLayer(dir, layer)
    const described = await addJson(dir, `${OCI}.config.v1+json`, {
      architecture: arch,
      os: 'linux',
      config: { Env: [DEFAULT_PATH], ...config },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created: '1970-01-01T00:00:00Z' }],
    })
    const mediaType = `${OCI}.manifest.v1+json`
    const manifest = { schemaVersion: 2, mediaType, config: described, layers: [descriptor] }
    manifests.push({ ...(await addJson(dir, mediaType, manifest)), platform: { os: 'linux', architecture: arch } })
  }
  const mediaType = `${OCI}.index.v1+json`
  const index = await addJson(dir, mediaType, { schemaVersion: 2, mediaType, manifests })
  await writeFile(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType, manifests: [index] }))
  return index.digest
}

const blobFile = (dir: string, digest: string): string => join(dir, 'blobs', ...digest.split(':'))

async function addJson(dir: string, mediaType: string, value: object): Promise<Descriptor> {
  const content = Buffer.from(JSON.stringify(value))
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`
  await writeFile(blobFile(dir, digest), content)
  return { mediaType, digest, size: content.length }
}

/** Compressed, as registries have them. */
async function addLayer(dir: string, layer: string): Promise<{ descriptor: Descriptor; diffId: string }> {
  const [plain, packed] = [createHash('sha256'), createHash('sha256')]
  const tee = new PassThrough().on('data', chunk => plain.update(chunk))
  const counted = new PassThrough().on('data', chunk => packed.update(chunk))
  const file = join(dir, 'layer.unfinished')
  await pipeline(createReadStream(layer), tee, createGzip(), counted, createWriteStream(file))
  const digest = `sha256:${packed.digest('hex')}`
  await copyFile(file, blobFile(dir, digest))
  await rm(file)
  const { size } = await stat(blobFile(dir, digest))
  return {
    descriptor: { mediaType: `${OCI}.layer.v1.tar+gzip`, digest, size },
    diffId: `sha256:${plain.digest('hex')}`,
  }
}
