import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Platform } from '../model/platforms.ts'
import { archiveName, pack, programName, sha256 } from './archive.ts'
import { makeExecutable, writeBlob } from './executable.ts'
import type { RuntimeSource } from './node-runtime.ts'

export interface ExecutablesBuild {
  /** Folder of the built npm package `kubectl-startgate`. */
  npmPackage: string
  platforms: readonly Platform[]
  nodeVersion: string
  runtimes: RuntimeSource
  sign: (file: string) => Promise<void>
  /** Time of the commit in seconds: that of the files in the archives. */
  committedAt: number
  into: string
}

/** An archive with the executable of one platform. */
export interface PluginArchive {
  platform: Platform
  file: string
  sha256: string
}

/** Those for which an archive could not be made say why in `left`; whoever releases must not have any. */
export interface Executables {
  archives: PluginArchive[]
  left: { platform: Platform; reason: string }[]
}

const LICENSES = ['LICENSE', 'THIRD-PARTY']

/** Builds the plugin's executables for all platforms on this machine, each in an archive with the licenses of it all. */
export async function buildExecutables(build: ExecutablesBuild): Promise<Executables> {
  if (process.versions.node !== build.nodeVersion)
    throw new Error(
      `executables of Node.js ${build.nodeVersion} are made by that version, and this is ${process.versions.node}; put node_modules/.bin first on the PATH`,
    )
  const { bin } = JSON.parse(await readFile(join(build.npmPackage, 'package.json'), 'utf8')) as {
    bin: Record<string, string>
  }
  const program = join(build.npmPackage, bin['kubectl-startgate'] ?? '')
  const dir = await mkdtemp(join(tmpdir(), 'startgate-executables-'))
  try {
    await mkdir(build.into, { recursive: true })
    const blob = await writeBlob(program, dir, process.execPath)
    const archives: PluginArchive[] = []
    const left: Executables['left'] = []
    for (const platform of build.platforms) {
      const one = buildOne(build, platform, { blob, dir: await mkdtemp(join(dir, 'platform-')) })
      await one.then(
        archive => void archives.push(archive),
        (error: Error) => void left.push({ platform, reason: error.message }),
      )
    }
    return { archives, left }
  } finally {
    await rm(dir, { recursive: true })
  }
}

async function buildOne(
  build: ExecutablesBuild,
  platform: Platform,
  { blob, dir }: { blob: string; dir: string },
): Promise<PluginArchive> {
  const content = join(dir, 'content')
  await mkdir(content)
  const runtime = await build.runtimes(platform, build.nodeVersion, dir)
  const to = join(content, programName(platform))
  await makeExecutable({ platform, runtime: runtime.program, blob, to, sign: build.sign })
  for (const name of LICENSES) await copyFile(join(build.npmPackage, name), join(content, name))
  if (runtime.license !== undefined) await copyFile(runtime.license, join(content, 'LICENSE.nodejs'))
  else await writeFile(join(content, 'LICENSE.nodejs'), NODE_LICENSE)
  const file = join(build.into, archiveName(platform))
  await pack(content, file, build.committedAt)
  // They are over a hundred megabytes each.
  await rm(dir, { recursive: true })
  return { platform, file, sha256: await sha256(file) }
}

const NODE_LICENSE = `This program contains Node.js, under the MIT license. Its license, with those of what it is made of, is the file
LICENSE of its source: https://github.com/nodejs/node
`
