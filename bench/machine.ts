import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import type { Kubectl } from '../e2e/harness/kubectl.ts'

/** Where figures were taken. */
export interface Machine {
  cores: number
  cpu: string
  memoryGib: number
  kernel: string
  kubernetes: string
  containerRuntime: string
  node: string
  /** Of this clone; with `-dirty` where files differ from it. */
  startgate: string
}

/** This machine, and the cluster on it. */
export async function describeMachine(kubectl: Kubectl): Promise<Machine> {
  const { serverVersion } = await kubectl.json<{ serverVersion: { gitVersion: string } }>(['version'])
  const { items } = await kubectl.json<{ items: { status: { nodeInfo: { containerRuntimeVersion: string } } }[] }>([
    'get',
    'nodes',
  ])
  const describe = ['describe', '--always', '--dirty', '--exclude=*']
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? '',
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    kubernetes: serverVersion.gitVersion,
    containerRuntime: items[0]?.status.nodeInfo.containerRuntimeVersion ?? '',
    node: process.version,
    startgate: execFileSync('git', describe, { cwd: import.meta.dirname, encoding: 'utf8' }).trim(),
  }
}
