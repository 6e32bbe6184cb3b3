import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Arch, nodeArch } from '../model/platforms.ts'

/** A native module cannot be bundled: the agent's unix datagram socket. */
export const NATIVE_MODULE = 'node-unix-socket'

/** npm's name of the package with the module's machine code. The image has glibc. */
export const nativePackage = (arch: Arch): string => `${NATIVE_MODULE}-linux-${nodeArch(arch)}-gnu`

/** Puts a package's folder at `to`, which is not there yet. */
export type PackageSource = (name: string, to: string) => Promise<void>

/** What is read of a package in package-lock.json. */
export interface LockedPackage {
  version: string
  integrity?: string
}

const call = promisify(execFile)

/**
 * Takes packages from `root`/node_modules, and those that npm leaves out, since they are for another platform, from
 * npm, checked by package-lock.json.
 */
export const installedOrNpm =
  (root: string): PackageSource =>
  async (name, to) => {
    const installed = join(root, 'node_modules', name)
    if (existsSync(installed)) return cp(installed, to, { recursive: true })
    const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
    await fromNpm(name, lock.packages[`node_modules/${name}`], to)
  }

/** Throws for a package that npm does not have, or that is not the one of the lock file. */
async function fromNpm(name: string, locked: LockedPackage | undefined, to: string): Promise<void> {
  if (locked === undefined) throw new Error(`${name} is not in package-lock.json`)
  const pinned = `${name}@${locked.version}`
  if (locked.integrity === undefined)
    throw new Error(
      `package-lock.json has no integrity for ${pinned}, so that nothing tells whether npm's is the right one: write there what \`npm view ${pinned} dist.integrity\` says`,
    )
  const dir = await mkdtemp(join(tmpdir(), 'startgate-native-'))
  try {
    const { stdout } = await call('npm', ['pack', '--silent', pinned], { cwd: dir }).catch(cause => {
      throw new Error(`npm does not have ${pinned}: ${String(cause.stderr).trim().split('\n').at(-1)}`, { cause })
    })
    const archive = join(dir, stdout.trim())
    checkIntegrity(pinned, await readFile(archive), locked.integrity)
    await mkdir(to, { recursive: true })
    await call('tar', ['-xzf', archive, '-C', to, '--strip-components=1', '--no-same-owner'])
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** Throws when the content has another hash than the lock file says (Subresource Integrity: algorithm-base64). */
export function checkIntegrity(what: string, content: Buffer, integrity: string): void {
  const [algorithm = ''] = integrity.split('-', 1)
  const found = `${algorithm}-${createHash(algorithm).update(content).digest('base64')}`
  if (found !== integrity) throw new Error(`${what} has the integrity ${found}; package-lock.json wants ${integrity}`)
}
