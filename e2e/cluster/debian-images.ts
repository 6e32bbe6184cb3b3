import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run, succeeds } from './command.ts'
import { unpackPackages } from './debian.ts'
import { type ImageConfig, removeOtherTags, writeImageArchive, writeLayer } from './image-archive.ts'
import { contentHash, scratch } from './step-cache.ts'

/** What Node.js needs of Debian. */
export const GLIBC = ['libc6', 'libgcc-s1', 'libstdc++6', 'gcc-12-base']
const REGISTRY = ['docker-registry', 'nginx', 'nginx-common', 'libc6', 'libcrypt1', 'libpcre2-8-0', 'libssl3', 'zlib1g']
/** Debian links it with libsystemd, so it says READY=1 by itself. */
const REDIS = [
  'redis-server',
  'redis-tools',
  'libc6',
  'libgcc-s1',
  'libstdc++6',
  'libatomic1',
  'libjemalloc2',
  'liblzf1',
  'libhiredis0.14',
  'liblua5.1-0',
  'lua-bitop',
  'lua-cjson',
  'libssl3',
  'libsystemd0',
  'libcap2',
  'libgcrypt20',
  'libgpg-error0',
  'liblz4-1',
  'liblzma5',
  'libzstd1',
]
const NODE = join(import.meta.dirname, '..', '..', 'node_modules', 'node')
const NODE_BINARY = join(NODE, 'bin', 'node')
const NODE_PACKAGE = join(NODE, 'package.json')

/** How an image is made from Debian's packages. */
export interface Recipe {
  name: string
  config: ImageConfig
  /** What the content depends on besides the text of this file and of `files`. */
  inputs: string[]
  files?: string[]
  fill: (tree: string, work: string) => Promise<void>
}

const app: Recipe = {
  name: 'app',
  config: { Cmd: ['sh'] },
  inputs: [],
  fill: tree => addBusybox(tree),
}

const registry: Recipe = {
  name: 'registry',
  config: {},
  inputs: REGISTRY,
  fill: async (tree, work) => {
    await unpackPackages(REGISTRY, work, tree)
    await addBusybox(tree)
    await symlink('docker-registry', join(tree, 'usr/bin/registry'))
    for (const dir of ['var/log/nginx', 'var/lib/nginx', 'var/lib/registry', 'run'])
      await mkdir(join(tree, dir), { recursive: true })
  },
}

const nodeBase: Recipe = {
  name: 'node-base',
  config: { Cmd: ['node'] },
  inputs: GLIBC,
  files: [NODE_PACKAGE],
  fill: async (tree, work) => {
    await unpackPackages(GLIBC, work, tree)
    // Character sets that a UTF-8 program never loads.
    await rm(join(tree, 'usr/lib/x86_64-linux-gnu/gconv'), { recursive: true, force: true })
    await mkdir(join(tree, 'usr/local/bin'), { recursive: true })
    await run(['strip', '-o', join(tree, 'usr/local/bin/node'), NODE_BINARY])
  },
}

const redis: Recipe = {
  name: 'redis',
  config: { Cmd: ['redis-server'] },
  inputs: REDIS,
  fill: async (tree, work) => {
    await unpackPackages(REDIS, work, tree)
    await addBusybox(tree)
  },
}

/** A daemon that nobody here wrote and that notifies. */
export const redisImage = (env: NodeJS.ProcessEnv): Promise<string> => makeImage(redis, env)

/** Image of e2e workloads: a static busybox with all its applets. */
export const appImage = (env: NodeJS.ProcessEnv): Promise<string> => makeImage(app, env)

/** One image that is both the registry and the nginx in front of it. */
export const registryImage = (env: NodeJS.ProcessEnv): Promise<string> => makeImage(registry, env)

/** Base of the product image: the official Node binary, and its libraries. */
export const nodeBaseImage = (env: NodeJS.ProcessEnv): Promise<string> => makeImage(nodeBase, env)

/** Makes an image in the Docker daemon unless it is there, and returns its name; the tag tells its content. */
export async function makeImage(recipe: Recipe, env: NodeJS.ProcessEnv): Promise<string> {
  const { name, config, inputs, files = [], fill } = recipe
  const ref = `startgate-e2e/${name}:${contentHash([inputs, config], [import.meta.filename, ...files])}`
  if (await succeeds(['docker', 'image', 'inspect', ref], { env })) return ref
  await scratch(`image-${name}`, async work => {
    const tree = join(work, 'tree')
    await mkdir(tree)
    await fill(tree, work)
    await slim(tree)
    await addUsers(tree)
    await writeLayer(tree, join(work, 'layer'))
    await writeImageArchive(join(work, 'image.tar'), join(work, 'layer'), [ref], config)
    await run(['docker', 'load'], { env, inputFile: join(work, 'image.tar') })
  })
  await removeOtherTags(ref, env)
  return ref
}

/** Static, with all its applets as links. */
export async function addBusybox(tree: string): Promise<void> {
  await mkdir(join(tree, 'bin'), { recursive: true })
  await cp('/bin/busybox', join(tree, 'bin/busybox'))
  const { stdout } = await run(['/bin/busybox', '--list'])
  for (const applet of stdout.trim().split('\n'))
    await symlink('busybox', join(tree, 'bin', applet)).catch(() => undefined)
}

/** Those that our own images run as, unless the recipe has made a passwd file. */
export async function addUsers(tree: string): Promise<void> {
  await mkdir(join(tree, 'etc'), { recursive: true })
  await mkdir(join(tree, 'tmp'), { recursive: true })
  await chmod(join(tree, 'tmp'), 0o1777)
  if (existsSync(join(tree, 'etc/passwd'))) return
  await writeFile(
    join(tree, 'etc/passwd'),
    'root:x:0:0:root:/:/bin/sh\nnonroot:x:65532:65532:nonroot:/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n',
  )
  await writeFile(join(tree, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\nwww-data:x:33:\n')
}

/** Takes away what no program in an image reads. */
export async function slim(tree: string): Promise<void> {
  for (const dir of [
    'usr/share/doc',
    'usr/share/man',
    'usr/share/locale',
    'usr/share/lintian',
    'usr/share/gdb',
    'usr/share/gcc',
  ]) {
    await rm(join(tree, dir), { recursive: true, force: true })
  }
}
