import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { APP_IMAGE } from './app-image.ts'
import { run, succeeds } from './command.ts'
import { padding, tarEntry, tarHeader } from './tar.ts'

/** What an image runs, in the words of its config file. */
export interface ImageConfig {
  Entrypoint?: string[]
  Cmd?: string[]
  Env?: string[]
  User?: string
  StopSignal?: string
}

/** The environment every image of ours starts with. */
export const DEFAULT_PATH = 'PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'

/** Writes a folder as a layer, the same bytes for the same content. Owners become root unless `keepOwners`. */
export async function writeLayer(tree: string, file: string, keepOwners = false): Promise<void> {
  const owners = keepOwners ? [] : ['--owner=0', '--group=0']
  await run(['tar', '-C', tree, '--sort=name', '--numeric-owner', '--mtime=@0', ...owners, '-cf', file, '.'])
}

/**
 * Writes a docker archive (what `docker load` and `ctr images import` read) of a one-layer image with any number of
 * names.
 */
export async function writeImageArchive(
  file: string,
  layer: string,
  names: string[],
  config: ImageConfig,
): Promise<void> {
  await pipeline(Readable.from(archiveParts(layer, names, config)), createWriteStream(file))
}

async function* archiveParts(layer: string, names: string[], config: ImageConfig): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(layer), hash)
  const image = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Env: [DEFAULT_PATH], ...config },
      rootfs: { type: 'layers', diff_ids: [`sha256:${hash.digest('hex')}`] },
      history: [{ created: '1970-01-01T00:00:00Z' }],
    }),
  )
  const configName = `${createHash('sha256').update(image).digest('hex')}.json`
  const manifest = [{ Config: configName, RepoTags: names, Layers: ['layer.tar'] }]
  yield tarEntry({ path: configName }, image)
  yield tarEntry({ path: 'manifest.json' }, Buffer.from(JSON.stringify(manifest)))
  const { size } = await stat(layer)
  yield tarHeader({ path: 'layer.tar', size })
  for await (const chunk of createReadStream(layer, { highWaterMark: 1 << 20 })) yield chunk
  yield padding(size)
  yield Buffer.alloc(1024)
}

/** Removes earlier builds of an image; one that a container still uses stays. */
export async function removeOtherTags(ref: string, env: NodeJS.ProcessEnv): Promise<void> {
  const [repository = ''] = ref.split(':')
  const { stdout } = await run(['docker', 'images', '--format', '{{.Repository}}:{{.Tag}}', repository], { env })
  const others = stdout.split('\n').filter(name => name && name !== ref && name !== APP_IMAGE)
  for (const other of others) await succeeds(['docker', 'rmi', other], { env })
}
