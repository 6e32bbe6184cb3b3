import { readFileSync } from 'node:fs'
import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Arch, IMAGE_ARCHS, nodeArch } from '../../release/model/platforms.ts'
import { run } from './command.ts'
import { unpackForeignPackages } from './debian.ts'
import { addUsers, GLIBC, slim } from './debian-images.ts'
import { writeLayer } from './image-archive.ts'
import { type PlatformImage, writeOciLayout } from './oci-writer.ts'
import { cached, contentHash } from './step-cache.ts'
import { versions } from './versions.ts'

/** OCI layouts of base images for both platforms, as buildx takes them: `FOLDER@DIGEST`. */
export interface ReleaseBases {
  node: string
  busybox: string
}

/** Of Node.js, the version of the Dockerfile, as npm has it for each platform. */
const NODE_VERSION = /^node:([\d.]+)-/.exec(versions.productNode)?.[1] ?? ''

type Fill = (arch: Arch, tree: string, work: string) => Promise<void>

const fillNode: Fill = async (arch, tree, work) => {
  await unpackForeignPackages(arch, GLIBC, work, tree)
  for (const lib of ['x86_64', 'aarch64'])
    await rm(join(tree, `usr/lib/${lib}-linux-gnu/gconv`), { recursive: true, force: true })
  const { stdout } = await run(['npm', 'pack', '--silent', `node-linux-${nodeArch(arch)}@${NODE_VERSION}`], {
    cwd: work,
  })
  await run(['tar', '-xzf', stdout.trim(), 'package/bin/node'], { cwd: work })
  await mkdir(join(tree, 'usr/local/bin'), { recursive: true })
  await cp(join(work, 'package/bin/node'), join(tree, 'usr/local/bin/node'))
}

const fillBusybox: Fill = (arch, tree, work) => unpackForeignPackages(arch, ['busybox-static'], work, tree)

/**
 * What the Dockerfile's base images are on a machine that can pull none: Node.js from npm on Debian's C library, and
 * Debian's busybox, for every platform, whatever this machine is.
 */
export async function releaseBases(): Promise<ReleaseBases> {
  const dir = await cached('release-bases', contentHash([NODE_VERSION, GLIBC], [import.meta.filename]), async into => {
    await makeBase(join(into, 'node'), fillNode)
    await makeBase(join(into, 'busybox'), fillBusybox)
  })
  return { node: withDigest(join(dir, 'node')), busybox: withDigest(join(dir, 'busybox')) }
}

async function makeBase(into: string, fill: Fill): Promise<void> {
  const images: PlatformImage[] = []
  const works = IMAGE_ARCHS.map(arch => ({ arch, work: `${into}-${arch}.work` }))
  for (const { arch, work } of works) {
    const tree = join(work, 'tree')
    await mkdir(tree, { recursive: true })
    await fill(arch, tree, work)
    await slim(tree)
    await addUsers(tree)
    await writeLayer(tree, join(work, 'layer'))
    images.push({ arch, layer: join(work, 'layer'), config: {} })
  }
  await writeOciLayout(into, images)
  for (const { work } of works) await rm(work, { recursive: true })
}

function withDigest(layout: string): string {
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
    manifests: { digest: string }[]
  }
  return `${layout}@${manifests[0]?.digest}`
}
