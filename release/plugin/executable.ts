import { execFile } from 'node:child_process'
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'postject'
import type { Platform } from '../model/platforms.ts'
import { withoutSignature } from './pe-signature.ts'

/* Single executable applications: https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html */

/** What Node.js looks for in itself, to see whether it is such an application. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
const RESOURCE = 'NODE_SEA_BLOB'
const MACHO_SEGMENT = 'NODE_SEA'
const MAIN = join(import.meta.dirname, 'executable-main.cjs')

const call = promisify(execFile)

/**
 * Writes what Node.js has to find in itself, of the plugin's program, into `dir`; returns the file. It is the same for
 * all platforms, since it holds sources only: no snapshot of a heap, no compiled code. `node` is of the version that it
 * goes into.
 */
export async function writeBlob(program: string, dir: string, node: string): Promise<string> {
  const output = join(dir, 'executable.blob')
  const config = join(dir, 'executable.json')
  const assets = { program }
  await writeFile(config, JSON.stringify({ main: MAIN, output, disableExperimentalSEAWarning: true, assets }))
  await call(node, ['--experimental-sea-config', config])
  return output
}

export interface Executable {
  platform: Platform
  /** Node.js for the platform; it is not changed. */
  runtime: string
  blob: string
  to: string
  /** Gives a macOS program a signature, without which an Apple processor does not start it. */
  sign: (file: string) => Promise<void>
}

/** Makes the executable of one platform, on any other. */
export async function makeExecutable({ platform, runtime, blob, to, sign }: Executable): Promise<void> {
  if (platform.os === 'windows') await writeFile(to, withoutSignature(await readFile(runtime)))
  else await copyFile(runtime, to)
  await chmod(to, 0o755)
  const isMac = platform.os === 'darwin'
  await quietly(async () =>
    inject(to, RESOURCE, await readFile(blob), {
      sentinelFuse: FUSE,
      ...(isMac && { machoSegmentName: MACHO_SEGMENT }),
    }),
  )
  if (isMac) await sign(to)
}

/** Signs without an identity, as linkers do; anyone can, and it only says that the file is whole. */
export const signAdHoc =
  (command: string) =>
  async (file: string): Promise<void> => {
    await call(command, ['sign', file]).catch(cause => {
      throw new Error(`${command} cannot sign ${file}: ${String(cause.stderr ?? cause.message).trim()}`, { cause })
    })
  }

/** postject warns by console.warn of symbols that Node.js does not have. */
async function quietly(action: () => Promise<void>): Promise<void> {
  const { warn } = console
  console.warn = () => undefined
  try {
    await action()
  } finally {
    console.warn = warn
  }
}
