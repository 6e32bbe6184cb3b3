import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { run } from './command.ts'
import { clusterDir, clusterPaths, DEFAULT_NAME } from './paths.ts'
import { provider } from './provider.ts'
import type { Provider } from './provider-model.ts'
import { type Registry, registryFor } from './registry.ts'

export interface ClusterNode {
  name: string
  role: 'control-plane' | 'worker'
  ip: string
}

/** A running cluster and how to talk to it. */
export interface Cluster {
  name: string
  provider: 'local' | 'docker'
  /** Path of the kubeconfig file. */
  kubeconfig: string
  nodes: ClusterNode[]
  /** For child processes: PATH with the pinned helm and kubectl first, KUBECONFIG, DOCKER_HOST. */
  env: NodeJS.ProcessEnv
  registry: Registry
}

export interface ClusterStatus {
  name: string
  state: 'absent' | 'unhealthy' | 'running'
  detail: string
  cluster?: Cluster
}

/** The cluster if it runs and answers. */
export async function findCluster(name: string = DEFAULT_NAME): Promise<Cluster | undefined> {
  const status = await clusterStatus(name)
  return status.state === 'running' ? status.cluster : undefined
}

/** Looks at a cluster without changing it. */
export async function clusterStatus(name: string = DEFAULT_NAME): Promise<ClusterStatus> {
  const file = join(clusterDir(name), 'state.json')
  if (!existsSync(file)) return { name, state: 'absent', detail: 'never brought up, or taken down' }
  const state = JSON.parse(await readFile(file, 'utf8')) as { provider: Provider['kind'] }
  const found = provider(state.provider)
  try {
    const cluster = await describeCluster(found, name)
    const { stdout } = await run(['kubectl', 'get', 'nodes', '--no-headers', '--request-timeout=5s'], {
      env: cluster.env,
    })
    const lines = stdout.trim().split('\n')
    const ready = lines.filter(line => /\sReady\s/.test(`${line} `)).length
    const detail = `${ready} of ${cluster.nodes.length} nodes ready`
    return { name, state: ready === cluster.nodes.length ? 'running' : 'unhealthy', detail, cluster }
  } catch (error) {
    return { name, state: 'unhealthy', detail: error instanceof Error ? error.message : String(error) }
  }
}

/** Gathers what is known of a cluster whose node containers exist. */
export async function describeCluster(from: Provider, name: string): Promise<Cluster> {
  const { bin } = clusterPaths()
  const kubeconfig = join(clusterDir(name), 'kubeconfig')
  const base = from.env()
  const env = { ...base, PATH: [bin, base.PATH].join(delimiter), KUBECONFIG: kubeconfig }
  const nodes = await nodesOf(name, env)
  if (nodes.length === 0) throw new Error('it has no node containers')
  return { name, provider: from.kind, kubeconfig, nodes, env, registry: registryFor(name, env) }
}

async function nodesOf(name: string, env: NodeJS.ProcessEnv): Promise<ClusterNode[]> {
  const label = 'io.x-k8s.kind'
  const names = (await run(['docker', 'ps', '-aq', '--filter', `label=${label}.cluster=${name}`], { env })).stdout
    .split('\n')
    .filter(Boolean)
  if (names.length === 0) return []
  const format = `{{.Name}} {{index .Config.Labels "${label}.role"}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}`
  const { stdout } = await run(['docker', 'inspect', '-f', format, ...names], { env })
  return stdout
    .trim()
    .split('\n')
    .map(line => {
      const [path = '', role, ip = ''] = line.split(' ')
      return {
        name: path.slice(1),
        role: role === 'control-plane' ? ('control-plane' as const) : ('worker' as const),
        ip,
      }
    })
    .sort((a, b) => (a.role === b.role ? (a.name < b.name ? -1 : 1) : a.role === 'control-plane' ? -1 : 1))
}
