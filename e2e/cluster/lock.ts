import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterPaths } from './paths.ts'
import { isAlive } from './processes.ts'

const PATIENCE_MS = 20 * 60_000

/**
 * Runs `action` while no other process changes clusters, or does what else has a lock of this name. The lock of a
 * process that died is taken over.
 */
export async function withLock<T>(log: (line: string) => void, action: () => Promise<T>, name = 'lock'): Promise<T> {
  const { run } = clusterPaths()
  await mkdir(run, { recursive: true })
  const file = join(run, name)
  let told = false
  for (const deadlineMs = performance.now() + PATIENCE_MS; !(await take(file)); await sleep(250)) {
    if (!told) log('waiting for another process that works on the cluster')
    told = true
    if (performance.now() > deadlineMs) throw new Error(`still locked by another process: see ${file}`)
  }
  try {
    return await action()
  } finally {
    await rm(file, { force: true })
  }
}

async function take(file: string): Promise<boolean> {
  const holder = Number(await readFile(file, 'utf8').catch(() => ''))
  // An empty file is one that its owner is about to fill.
  if (holder > 0 && !isAlive(holder)) await rm(file, { force: true })
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}
