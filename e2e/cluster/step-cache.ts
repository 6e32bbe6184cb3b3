import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { clusterPaths } from './paths.ts'
import { isAlive } from './processes.ts'

/** Takes lines of progress. */
export interface Log {
  (line: string): void
  /** Where there is a terminal: shows a line that the next one, of either kind, takes the place of. */
  rewrite?(line: string): void
}

/** Says how far a step is, asked for anew each time it is shown. */
export type Report = (text: () => string) => void

const REWRITE_EVERY_MS = 1_000
const LINE_EVERY_MS = 30_000

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

/**
 * Prints numbered progress lines: `[2/6] kubernetes binary … 12 s`. What a step reports is shown meanwhile: on a
 * terminal in one line that is rewritten, elsewhere in a line every 30 s.
 */
export class Progress {
  readonly #log: Log
  readonly #total: number
  #done = 0

  constructor(log: Log, total: number) {
    this.#log = log
    this.#total = total
  }

  async step<T>(name: string, action: (report: Report) => Promise<T>): Promise<T> {
    const label = `[${++this.#done}/${this.#total}] ${name}`
    const startMs = performance.now()
    const seconds = () => `${Math.round((performance.now() - startMs) / 1000)} s`
    let text: (() => string) | undefined
    const stopTelling = this.#tellMeanwhile(label, () => (text ? `${seconds()}: ${text()}` : seconds()))
    try {
      const result = await action(reported => {
        text = reported
      })
      stopTelling()
      this.#log(`${label} … ${seconds()}`)
      return result
    } catch (cause) {
      stopTelling()
      this.#log(`${label} … failed after ${seconds()}`)
      throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }

  #tellMeanwhile(label: string, howFar: () => string): () => void {
    const { rewrite } = this.#log
    const tell = () => (rewrite ?? this.#log)(`${label} … ${howFar()}`)
    const first = setTimeout(() => this.#log(`${label} …`), 3_000)
    if (rewrite) clearTimeout(first)
    const timer = setInterval(tell, rewrite ? REWRITE_EVERY_MS : LINE_EVERY_MS)
    return () => {
      clearTimeout(first)
      clearInterval(timer)
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
