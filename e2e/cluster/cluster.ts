import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { APP_IMAGE } from './app-image.ts'
import { type Cluster, clusterStatus, describeCluster } from './cluster-status.ts'
import { run, succeeds } from './command.ts'
import { withLock } from './lock.ts'
import { loadImage } from './node-images.ts'
import { clusterDir, DEFAULT_NAME } from './paths.ts'
import { chooseProvider } from './provider.ts'
import type { ClusterImages, Provider } from './provider-model.ts'
import { registryNames, startRegistry } from './registry.ts'
import { type Log, Progress } from './step-cache.ts'
import { removeKilledSteps } from './teardown.ts'
import { writeWhole } from './whole-file.ts'

export { APP_IMAGE } from './app-image.ts'
export { type Cluster, type ClusterNode, type ClusterStatus, clusterStatus, findCluster } from './cluster-status.ts'
export { loadImage, removeImage } from './node-images.ts'
export { collectLogs, execOnNode, kubelet, node, runtime } from './nodes.ts'
export { clusterDown } from './teardown.ts'

export interface ClusterOptions {
  /** Number of workers, 2 unless told otherwise. A running cluster with as many or more is adopted. */
  nodes?: number
  name?: string
  log?: Log
}

/** Brings a cluster up: adopts a running healthy one, or else removes what is left of it and makes it anew. */
export async function clusterUp(options: ClusterOptions = {}): Promise<Cluster> {
  const { nodes = 2, name = DEFAULT_NAME, log = () => undefined } = options
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name))
    throw new Error(`cluster name '${name}' must be lower-case letters, digits and '-'`)
  return withLock(log, async () => {
    const status = await clusterStatus(name)
    const workers = status.cluster?.nodes.filter(n => n.role === 'worker').length ?? 0
    if (status.state === 'running' && status.cluster && workers >= nodes) {
      log(`cluster ${name} is up already`)
      await status.cluster.registry.start()
      return status.cluster
    }
    if (status.state === 'running')
      throw new Error(`cluster ${name} runs with ${workers} workers; take it down to get ${nodes}`)
    await removeKilledSteps()
    const chosen = await chooseProvider(log)
    return create(chosen, await chosen.prepare(log), { nodes, name, log })
  })
}

async function create(on: Provider, images: ClusterImages, options: Required<ClusterOptions>): Promise<Cluster> {
  const { name, log } = options
  const env = { ...on.env(), KIND_EXPERIMENTAL_DOCKER_NETWORK: registryNames(name).network }
  const dir = clusterDir(name)
  const progress = new Progress(log, 4)
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  await writeWhole(join(dir, 'state.json'), JSON.stringify({ provider: on.kind }))
  await run(['kind', 'delete', 'cluster', '--name', name, '--kubeconfig', join(dir, 'kubeconfig')], { env })
  await run(['docker', 'tag', images.app, APP_IMAGE], { env })
  await progress.step('registry', () => startRegistry({ name, env, images }))
  await progress.step('kind cluster', async () => {
    const config = kindConfig(options.nodes, on.kind)
    const args = ['--name', name, '--image', images.node, '--config', '-', '--kubeconfig', join(dir, 'kubeconfig')]
    await run(['kind', 'create', 'cluster', ...args], { env, input: config })
  })
  const cluster = await describeCluster(on, name)
  await progress.step('images and registry on the nodes', async () => {
    await cluster.registry.trust(cluster.nodes.map(n => n.name))
    await loadImage(cluster, APP_IMAGE)
  })
  await progress.step('nodes and DNS ready', () => waitReady(cluster))
  return cluster
}

function kindConfig(workers: number, provider: Provider['kind']): string {
  const nodes = ['- role: control-plane', ...Array<string>(workers).fill('- role: worker')]
  // The kubelet refuses cgroup v1 unless told otherwise; on cgroup v2 this says nothing.
  // The driver is that of the node image's containerd.toml; kind's own image has systemd's, as kind itself writes.
  const settings = ['  failCgroupV1: false', ...(provider === 'local' ? ['  cgroupDriver: cgroupfs'] : [])]
  const patch = ['kubeadmConfigPatches:', '- |', '  kind: KubeletConfiguration', ...settings]
  return ['kind: Cluster', 'apiVersion: kind.x-k8s.io/v1alpha4', 'nodes:', ...nodes, ...patch, ''].join('\n')
}

async function waitReady({ env, nodes }: Cluster): Promise<void> {
  // By name: `--all` would be content with those that have registered so far.
  const names = nodes.map(({ name }) => `node/${name}`)
  const wait = run(['kubectl', 'wait', '--for=create', '--for=condition=Ready', '--timeout=120s', ...names], { env })
  const hint =
    'see journalctl -u kubelet on the node; too many nodes for fs.inotify.max_user_instances is the usual cause'
  await wait.catch(error => Promise.reject(new Error(`${error.message}; ${hint}`)))
  await run(['kubectl', '-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=120s'], { env })
  // Pods that come before the namespace's account is there are refused.
  while (!(await succeeds(['kubectl', 'get', 'serviceaccount', 'default'], { env }))) await sleep(200)
}
