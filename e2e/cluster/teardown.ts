import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.ts'
import { daemonTraces, emptyDaemon, startDaemon, stopDaemon } from './daemon.ts'
import { withLock } from './lock.ts'
import { unmountBelow } from './mounts.ts'
import { clusterDir, clusterPaths, DEFAULT_NAME } from './paths.ts'
import { endProcesses, orphanedSteps } from './processes.ts'
import { provider } from './provider.ts'
import type { Provider } from './provider-model.ts'
import { registryNames, removeRegistry } from './registry.ts'
import { type Log, removeUnfinished } from './step-cache.ts'

export interface DownOptions {
  name?: string
  log?: (line: string) => void
}

/**
 * Takes a cluster down, also one that was half made. With the last cluster goes the local Docker daemon and
 * everything it put on the machine; what is slow to make stays in the cache.
 */
export async function clusterDown(options: DownOptions = {}): Promise<void> {
  const { name = DEFAULT_NAME, log = () => undefined } = options
  await withLock(log, async () => {
    await removeKilledSteps()
    const kind = await providerOf(name)
    if (kind === 'docker') await removeCluster(provider('docker'), name)
    const others = (await clusterNames()).filter(other => other !== name)
    if (kind === 'local' || daemonTraces()) await downLocal({ name, exists: kind === 'local', others, log })
    await rm(clusterDir(name), { recursive: true, force: true })
    if (others.length === 0) await rm(join(clusterPaths().run, 'clusters'), { recursive: true, force: true })
    log(`cluster ${name} is down`)
  })
}

/** Ends and removes what an `up` that was killed left of a step. Only for who holds the lock. */
export async function removeKilledSteps(): Promise<void> {
  await endProcesses(orphanedSteps(), 5_000)
  await unmountBelow([clusterPaths().steps])
  await removeUnfinished()
}

interface LocalDown {
  name: string
  exists: boolean
  others: readonly string[]
  log: Log
}

async function downLocal({ name, exists, others, log }: LocalDown): Promise<void> {
  const localClusters = []
  for (const other of others) if ((await providerOf(other)) === 'local') localClusters.push(other)
  if (localClusters.length > 0) {
    if (exists) await removeCluster(provider('local'), name)
    return
  }
  // A daemon that was killed leaves containers running; only a daemon can end them tidily.
  if (daemonTraces()) {
    const empty = startDaemon().then(emptyDaemon)
    await empty.catch(error => log(`containers may be left, since Docker does not start: ${error.message}`))
  }
  await stopDaemon()
}

async function removeCluster(from: Provider, name: string): Promise<void> {
  const env = from.env()
  const label = `label=io.x-k8s.kind.cluster=${name}`
  const ids = (await run(['docker', 'ps', '-aq', '--filter', label], { env })).stdout.split('\n').filter(Boolean)
  if (ids.length > 0) await run(['docker', 'rm', '-fv', ...ids], { env })
  await removeRegistry(name, env)
  await run(['docker', 'network', 'rm', registryNames(name).network], { env }).catch(() => undefined)
}

async function clusterNames(): Promise<string[]> {
  const dir = join(clusterPaths().run, 'clusters')
  return existsSync(dir) ? readdir(dir) : []
}

async function providerOf(name: string): Promise<Provider['kind'] | undefined> {
  const file = join(clusterDir(name), 'state.json')
  if (!existsSync(file)) return undefined
  return (JSON.parse(await readFile(file, 'utf8')) as { provider: Provider['kind'] }).provider
}
