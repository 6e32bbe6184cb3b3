import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildPlugin } from '../../build-plugin.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { limits } from './time-limits.ts'

/** The plugin as users have it: the built program. */
export interface Plugin {
  /** Starts it with these arguments and the cluster's kubeconfig. */
  start(cluster: Cluster, args: readonly string[]): ChildProcess
  remove(): Promise<void>
}

/** Builds it into a folder of its own. */
export async function builtPlugin(): Promise<Plugin> {
  const folder = await mkdtemp(join(tmpdir(), 'kubectl-startgate-'))
  await buildPlugin(folder)
  return {
    start: (cluster, args) =>
      spawn(process.execPath, [join(folder, 'kubectl-startgate.mjs'), ...args], {
        env: { ...cluster.env, KUBECONFIG: cluster.kubeconfig },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

export interface Ui {
  /** What it printed: the page's address with its token. */
  url: string
  /** What it has said on standard error so far. */
  said(): string
  /** Ends it as Ctrl-C does; resolves with its exit code. */
  end(): Promise<number | null>
}

/** `kubectl startgate ui`, once it has printed its address. */
export function startUi(plugin: Plugin, cluster: Cluster, args: readonly string[] = []): Promise<Ui> {
  const child = plugin.start(cluster, ['ui', ...args])
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  let said = ''
  let printed = ''
  child.stderr?.on('data', chunk => {
    said += String(chunk)
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail('no address'), limits.settingSeen.ms)
    const fail = (why: string): void => {
      clearTimeout(timer)
      child.kill()
      reject(new Error(`kubectl startgate ui: ${why}: ${printed} ${said}`))
    }
    child.once('error', error => fail(error.message))
    void ended.then(code => fail(`ended with ${code}`))
    child.stdout?.on('data', chunk => {
      printed += String(chunk)
      const url = /http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//.exec(printed)?.[0]
      if (!url) return
      clearTimeout(timer)
      const end = () => {
        child.kill('SIGINT')
        return ended
      }
      resolve({ url, said: () => said, end })
    })
  })
}
