import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nodeArch, nodeOs, type Platform } from '../model/platforms.ts'

/** Node.js for one platform. */
export interface Runtime {
  program: string
  /** Of Node.js and what it is made of; npm's packages for Windows have none. */
  license?: string
}

/** Puts Node.js of this version for a platform into a folder of its own under `dir`. */
export type RuntimeSource = (platform: Platform, version: string, dir: string) => Promise<Runtime>

const call = promisify(execFile)

/** As npm's packages and Node's archives name it: `linux-x64`, `win-arm64`. */
export const runtimeName = ({ os, arch }: Platform): string => `${nodeOs(os)}-${nodeArch(arch)}`

/** From npm, which has few versions for some platforms. Throws when it does not have this one. */
export const npmRuntime: RuntimeSource = async (platform, version, dir) => {
  const pinned = `node-${runtimeName(platform)}@${version}`
  const into = await mkdtemp(join(dir, 'npm-'))
  const { stdout } = await call('npm', ['pack', '--silent', pinned], { cwd: into }).catch(cause => {
    throw new Error(`npm does not have ${pinned}`, { cause })
  })
  await call('tar', ['-xzf', stdout.trim()], { cwd: into })
  await rm(join(into, stdout.trim()))
  const unpacked = join(into, 'package')
  return runtimeIn(unpacked, join(unpacked, 'bin', platform.os === 'windows' ? 'node.exe' : 'node'))
}

/**
 * From Node's own site: `address` is that of its folder of releases, https://nodejs.org/dist. The archive has to have
 * the hash that the release's list says.
 */
export const distRuntime =
  (address: string): RuntimeSource =>
  async (platform, version, dir) => {
    const isWindows = platform.os === 'windows'
    const name = `node-v${version}-${runtimeName(platform)}`
    const archive = `${name}.${isWindows ? 'zip' : 'tar.gz'}`
    const sums = await download(`${address}/v${version}/SHASUMS256.txt`)
    const content = await download(`${address}/v${version}/${archive}`)
    const found = createHash('sha256').update(content).digest('hex')
    const wanted = sumOf(sums.toString(), archive)
    if (found !== wanted) throw new Error(`${archive} has the SHA-256 ${found}; SHASUMS256.txt wants ${wanted}`)
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, archive), content)
    await (isWindows ? call('unzip', ['-q', archive], { cwd: dir }) : call('tar', ['-xzf', archive], { cwd: dir }))
    await rm(join(dir, archive))
    return runtimeIn(join(dir, name), isWindows ? join(dir, name, 'node.exe') : join(dir, name, 'bin', 'node'))
  }

/** The hash of a file in a list as `sha256sum` writes it. Throws when the file is not in there. */
export function sumOf(sums: string, file: string): string {
  const line = sums.split('\n').find(each => each.endsWith(`  ${file}`))
  if (line === undefined) throw new Error(`SHASUMS256.txt does not have ${file}`)
  return line.slice(0, line.indexOf(' '))
}

/** Under a name that does not come twice in one folder. */
async function runtimeIn(folder: string, found: string): Promise<Runtime> {
  const program = `${folder}-program`
  await rename(found, program)
  const license = join(folder, 'LICENSE')
  return { program, ...(existsSync(license) && { license }) }
}

async function download(address: string): Promise<Buffer> {
  const answer = await fetch(address).catch(cause => {
    throw new Error(`${address} cannot be reached: ${cause.cause?.message ?? cause.message}`, { cause })
  })
  if (!answer.ok) throw new Error(`${address}: ${answer.status} ${answer.statusText}`)
  return Buffer.from(await answer.arrayBuffer())
}
