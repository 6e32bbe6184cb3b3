import { createCipheriv, createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { APP_IMAGE } from './app-image.ts'
import { run } from './command.ts'
import { scratch } from './step-cache.ts'
import { tarArchive } from './tar.ts'

/** What a test image is like. */
export interface TestImage {
  /** Incompressible content, so that a pull moves that many bytes. */
  megabytes: number
  /**
   * New content on every push (the default), so that no node has any of it; else the same content for the same name.
   */
  unique?: boolean
  tag?: string
}

interface Push {
  url: string
  name: string
  image: TestImage
  env: NodeJS.ProcessEnv
}

const OCI = 'application/vnd.oci.image'
const GZIP_MAGIC = 0x1f8b
let busyboxLayer: Promise<Buffer> | undefined

/** Builds a two-layer image (busybox, random bytes) in memory and pushes it. Returns `name:tag`. */
export async function pushTestImage({ url, name, image, env }: Push): Promise<string> {
  const { megabytes, unique = true, tag = '1' } = image
  busyboxLayer ??= readAppLayer(env)
  const ballast = tarArchive([
    { path: 'ballast', content: randomBytes(unique ? randomUUID() : name, megabytes * 1_000_000) },
  ])
  const layers = await Promise.all(
    [await busyboxLayer, ballast].map(layer => pushBlob(`${url}/v2/${name}`, layer, `${OCI}.layer.v1.tar`)),
  )
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'], Cmd: ['sh'] },
      rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.digest) },
    }),
  )
  const described = await pushBlob(`${url}/v2/${name}`, config, `${OCI}.config.v1+json`)
  const manifest = { schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, config: described, layers }
  await expectOk(
    fetch(`${url}/v2/${name}/manifests/${tag}`, {
      method: 'PUT',
      headers: { 'content-type': manifest.mediaType },
      body: JSON.stringify(manifest),
    }),
    `push manifest of ${name}`,
  )
  return `${name}:${tag}`
}

/** Random-looking bytes that are the same for the same seed. */
function randomBytes(seed: string, length: number): Buffer {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

async function pushBlob(
  base: string,
  content: Buffer,
  mediaType: string,
): Promise<{ mediaType: string; digest: string; size: number }> {
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`
  const started = await expectOk(fetch(`${base}/blobs/uploads/`, { method: 'POST' }), `start upload to ${base}`)
  // The registry names itself by the host it thinks it has; only the path is of use.
  const location = new URL(started.headers.get('location') ?? '', base)
  const target = new URL(location.pathname + location.search, base)
  target.searchParams.set('digest', digest)
  const headers = { 'content-type': 'application/octet-stream' }
  await expectOk(fetch(target, { method: 'PUT', headers, body: new Uint8Array(content) }), `upload ${digest}`)
  return { mediaType, digest, size: content.length }
}

async function expectOk(request: Promise<Response>, what: string): Promise<Response> {
  const response = await request
  if (!response.ok) throw new Error(`${what}: ${response.status} ${(await response.text()).slice(0, 300)}`)
  return response
}

// The layers of the app image, out of what `docker save` writes: one, since both providers' images have one.
function readAppLayer(env: NodeJS.ProcessEnv): Promise<Buffer> {
  return scratch('app-layer', async dir => {
    await run(['docker', 'save', '-o', `${dir}/image.tar`, APP_IMAGE], { env })
    await run(['tar', '-xf', `${dir}/image.tar`, '-C', dir])
    const manifest = JSON.parse(await readFile(`${dir}/manifest.json`, 'utf8')) as [{ Layers: string[] }]
    const [first] = manifest[0].Layers
    if (first === undefined) throw new Error(`${APP_IMAGE} has no layer`)
    const layer = await readFile(`${dir}/${first}`)
    // A daemon with containerd's image store saves layers as it pulled them.
    return layer.readUInt16BE(0) === GZIP_MAGIC ? gunzipSync(layer) : layer
  })
}
