import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Arch } from '../model/platforms.ts'

/** What distinguishes one build of the image from another. */
export interface ImageBuild {
  version: string
  /** Commit that it is built from, and its time, which is that of everything in the image. */
  revision: string
  committedAt: number
  /** Address of the source, for whoever finds the image; none when it is built from a clone without one. */
  source?: string
  archs: readonly Arch[]
  /** Instead of the Dockerfile's base images: OCI layouts, with their digests. */
  bases?: { node: string; busybox: string }
  /** Takes nothing from an earlier build. */
  fresh?: boolean
  to: ImageTarget
}

/** A folder for an OCI layout, or a reference in a registry (`insecure`: by HTTP). */
export type ImageTarget = { layout: string } | { push: string; insecure?: boolean }

const LICENSE = 'Apache-2.0'

/**
 * Arguments of `docker buildx`. Attestations are left to the release's own steps: BuildKit's contain the time and a
 * number of the build, so that two builds of one commit would not have the same digest.
 */
export function buildxArguments(build: ImageBuild, context: string, metadataFile: string): string[] {
  const labels = {
    'org.opencontainers.image.title': 'startgate',
    'org.opencontainers.image.version': build.version,
    'org.opencontainers.image.revision': build.revision,
    'org.opencontainers.image.licenses': LICENSE,
    ...(build.source !== undefined && { 'org.opencontainers.image.source': build.source }),
  }
  return [
    'build',
    context,
    `--platform=${build.archs.map(arch => `linux/${arch}`).join(',')}`,
    '--provenance=false',
    '--sbom=false',
    `--build-arg=SOURCE_DATE_EPOCH=${build.committedAt}`,
    ...Object.entries(labels).map(([name, value]) => `--label=${name}=${value}`),
    ...basesOf(build.bases),
    ...(build.fresh === true ? ['--no-cache'] : []),
    `--metadata-file=${metadataFile}`,
    `--output=${outputOf(build.to)}`,
  ]
}

function basesOf(bases: ImageBuild['bases']): string[] {
  if (bases === undefined) return []
  return [
    '--build-arg=BASE_IMAGE=release-base-node',
    '--build-arg=BUSYBOX_IMAGE=release-base-busybox',
    `--build-context=release-base-node=oci-layout://${bases.node}`,
    `--build-context=release-base-busybox=oci-layout://${bases.busybox}`,
  ]
}

/** Times of files are set back to the commit's, in the layers too. */
function outputOf(to: ImageTarget): string {
  const common = ['rewrite-timestamp=true', 'oci-mediatypes=true']
  if ('layout' in to) return ['type=oci', `dest=${to.layout}`, 'tar=false', ...common].join(',')
  const insecure = to.insecure === true ? ['registry.insecure=true'] : []
  return ['type=image', `name=${to.push}`, 'push=true', ...insecure, ...common].join(',')
}

export interface Builder {
  /** `docker buildx`, or buildx itself. */
  command?: readonly string[]
  env?: NodeJS.ProcessEnv
}

/** Builds the image from what `bundle` has put into `context`/dist. Returns the digest of the index. */
export async function buildImage(build: ImageBuild, context: string, builder: Builder = {}): Promise<string> {
  const { command: [program = 'docker', ...first] = ['docker', 'buildx'], env = process.env } = builder
  const dir = await mkdtemp(join(tmpdir(), 'startgate-buildx-'))
  try {
    if ('layout' in build.to) {
      await rm(build.to.layout, { recursive: true, force: true })
      await mkdir(dirname(build.to.layout), { recursive: true })
    }
    const metadataFile = join(dir, 'metadata.json')
    const args = [...first, ...buildxArguments(build, context, metadataFile)]
    await promisify(execFile)(program, args, { env, maxBuffer: 64 * 1024 * 1024 }).catch(cause => {
      const said = String(cause.stderr || cause.message)
        .trim()
        .split('\n')
        .slice(-5)
        .join(' | ')
      throw new Error(`${[program, ...first].join(' ')} cannot build the image: ${said}`, { cause })
    })
    const metadata = JSON.parse(await readFile(metadataFile, 'utf8')) as Record<string, string>
    const digest = metadata['containerimage.digest']
    if (digest === undefined) throw new Error('buildx does not say which digest the image has')
    return digest
  } finally {
    await rm(dir, { recursive: true })
  }
}
