import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { clusterPaths } from './paths.ts'
import { isAlive } from './processes.ts'

export type Log = (line: string) => void

/** Short hash of strings and of files and folders (each given as an absolute path in `files`). */
export function contentHash(parts: readonly unknown[], files: readonly string[] = []): string {
  const hash = createHash('sha256').update(JSON.stringify(parts))
  for (const file of files) addPath(hash, file, '')
  return hash.digest('hex').slice(0, 12)
}

function addPath(hash: ReturnType<typeof createHash>, path: string, name: string): void {
  if (statSync(path).isDirectory()) {
    for (const entry of readdirSync(path).sort()) addPath(hash, join(path, entry), `${name}/${entry}`)
  } else hash.update(`\0${name}\0`).update(readFileSync(path))
}

/** Prints numbered progress lines: `[2/6] kubernetes binary … 12 s`. */
export class Progress {
  readonly #log: Log
  readonly #total: number
  #done = 0

  constructor(log: Log, total: number) {
    this.#log = log
    this.#total = total
  }

  async step<T>(name: string, action: () => Promise<T>): Promise<T> {
    const label = `[${++this.#done}/${this.#total}] ${name}`
    const startMs = performance.now()
    const seconds = () => `${Math.round((performance.now() - startMs) / 1000)} s`
    const patience = setTimeout(() => this.#log(`${label} …`), 3_000)
    try {
      const result = await action()
      this.#log(`${label} … ${seconds()}`)
      return result
    } catch (cause) {
      this.#log(`${label} … failed after ${seconds()}`)
      throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    } finally {
      clearTimeout(patience)
    }
  }
}

/**
 * Directory that holds the result of `make`, made at most once per hash. It is made under another name and
 * renamed when complete, so a killed run leaves no half result under the true name.
 */
export async function cached(name: string, hash: string, make: (dir: string) => Promise<void>): Promise<string> {
  const { steps } = clusterPaths()
  const dir = join(steps, `${name}-${hash}`)
  if (existsSync(dir)) return dir
  const unfinished = join(steps, `${name}.unfinished`)
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true })
  await make(unfinished)
  for (const old of await readdir(steps)) {
    if (old.startsWith(`${name}-`)) await rm(join(steps, old), { recursive: true, force: true })
  }
  await rename(unfinished, dir)
  return dir
}

/** Runs `use` with an empty folder of its own that is removed at the end. */
export async function scratch<T>(name: string, use: (dir: string) => Promise<T>): Promise<T> {
  const dir = join(clusterPaths().steps, `${name}.${process.pid}.${randomUUID().slice(0, 8)}.unfinished`)
  await mkdir(dir, { recursive: true })
  try {
    return await use(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Removes the half results of killed processes. Only for who holds the lock, since `cached` works under it. */
export async function removeUnfinished(): Promise<void> {
  const { steps } = clusterPaths()
  if (!existsSync(steps)) return
  for (const entry of await readdir(steps)) {
    const [, pid] = /\.(\d+)\.\w+\.unfinished$/.exec(entry) ?? []
    const abandoned = pid === undefined ? entry.endsWith('.unfinished') : !isAlive(Number(pid))
    if (abandoned) await rm(join(steps, entry), { recursive: true, force: true })
  }
}
