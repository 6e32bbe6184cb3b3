import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from './cluster-status.ts'
import { type CommandResult, run } from './command.ts'

export type ServiceAction = 'stop' | 'start' | 'restart'
export type NodeAction = ServiceAction | 'kill' | 'pause' | 'unpause'

/** Runs a command in a node container. Throws a CommandError if it fails. */
export function execOnNode(cluster: Cluster, node: string, argv: readonly string[]): Promise<CommandResult> {
  return run(['docker', 'exec', node, ...argv], { env: cluster.env })
}

/** Acts on a node's kubelet; its containers go on running meanwhile. */
export async function kubelet(cluster: Cluster, node: string, action: ServiceAction): Promise<void> {
  await execOnNode(cluster, node, ['systemctl', action, 'kubelet'])
}

/** Acts on a node's containerd; its containers go on running meanwhile. */
export async function runtime(cluster: Cluster, node: string, action: ServiceAction): Promise<void> {
  await execOnNode(cluster, node, ['systemctl', action, 'containerd'])
}

/** Acts on a whole node, as its power switch would. */
export async function node(cluster: Cluster, name: string, action: NodeAction): Promise<void> {
  // Pods that ignore SIGTERM would hold a stop for its time-out.
  const argv = action === 'stop' || action === 'restart' ? [action, '-t', '0', name] : [action, name]
  await run(['docker', ...argv], { env: cluster.env })
}

/** Writes what one needs to see after a failure into `dir`: a folder a node, and what the API server knows. */
export async function collectLogs(cluster: Cluster, dir: string): Promise<void> {
  const save = async (path: string, argv: string[]) => {
    const result = await run(argv, { env: cluster.env }).catch((error: Error) => ({
      stdout: '',
      stderr: error.message,
    }))
    await writeFile(join(dir, path), result.stdout + result.stderr)
  }
  await mkdir(dir, { recursive: true })
  await save('pods.txt', ['kubectl', 'get', 'pods', '-A', '-o', 'wide'])
  await save('nodes.yaml', ['kubectl', 'get', 'nodes', '-o', 'yaml'])
  await save('events.txt', ['kubectl', 'get', 'events', '-A', '--sort-by=.lastTimestamp'])
  await save('registry-access.jsonl', [
    'docker',
    'exec',
    cluster.registry.container,
    'cat',
    '/var/log/startgate/access.jsonl',
  ])
  for (const { name } of cluster.nodes) {
    await mkdir(join(dir, name), { recursive: true })
    await save(`${name}/container.log`, ['docker', 'logs', name])
    for (const unit of ['kubelet', 'containerd']) {
      await save(`${name}/${unit}.log`, [
        'docker',
        'exec',
        name,
        'journalctl',
        '--no-pager',
        '-o',
        'short-precise',
        '-u',
        unit,
      ])
    }
    await run(['docker', 'cp', `${name}:/var/log/pods`, join(dir, name, 'pods')], { env: cluster.env }).catch(
      () => undefined,
    )
  }
}
