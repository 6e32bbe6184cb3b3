import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { unpackPackages, withLibraries } from '../cluster/debian.ts'
import { cached, contentHash } from '../cluster/step-cache.ts'

/** A browser and what it needs to run. */
export interface Chromium {
  program: string
  env: NodeJS.ProcessEnv
  /** A folder of fonts besides the system's; undefined where the system's are to do. */
  fonts: string | undefined
}

const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome', 'chrome']
const PACKAGES = ['chromium-headless-shell', 'fonts-inter', 'fonts-dejavu-core']
/** Of this machine, whose loader would not take another's. */
const NOT_OURS = ['libc6', 'libcrypt1']

/**
 * STARTGATE_CHROMIUM, else Debian's, unpacked into the cache and not installed, else one on PATH. Throws where there is
 * none.
 */
export async function findChromium(): Promise<Chromium> {
  const given = process.env.STARTGATE_CHROMIUM
  if (given !== undefined) return { program: given, env: process.env, fonts: undefined }
  const installed = onPath()
  if (!existsSync('/usr/bin/apt-get') && installed) return installed
  return unpackedChromium().catch(cause => {
    if (installed) return installed
    const message = `needs a browser: install one of ${NAMES.join(', ')}, or set STARTGATE_CHROMIUM to one`
    throw new Error(message, { cause })
  })
}

async function unpackedChromium(): Promise<Chromium> {
  const dir = await cached('chromium', contentHash(PACKAGES), async into => {
    const archives = join(into, 'archives')
    await mkdir(archives)
    await unpackPackages(await withLibraries([...PACKAGES, 'chromium-common'], NOT_OURS), archives, into)
    await rm(archives, { recursive: true })
  })
  const libraries = ['lib', 'usr/lib', `usr/lib/${TRIPLET}/pulseaudio`].flatMap(folder => [
    join(dir, folder),
    join(dir, folder, TRIPLET),
  ])
  return {
    program: join(dir, 'usr/lib/chromium/chromium-headless-shell'),
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(delimiter) },
    fonts: join(dir, 'usr/share/fonts'),
  }
}

const TRIPLET = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'

function onPath(): Chromium | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const program = NAMES.flatMap(name => folders.map(folder => join(folder, name))).find(file => existsSync(file))
  return program === undefined ? undefined : { program, env: process.env, fonts: undefined }
}
