import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './command.ts'
import type { ClusterImages } from './provider-model.ts'
import { parseRegistryLog, type RegistryRequest } from './registry-log.ts'
import { pushTestImage, type TestImage } from './test-image.ts'

/** The registry's name for nodes, in every cluster. */
const REGISTRY_HOST = 'registry.test:5000'
/** Bytes a second that one download gets, unless told otherwise. */
export const DEFAULT_RATE = 4_000_000

const CONFIG = join(import.meta.dirname, 'registry-config')
const PULL_LOG = '/var/log/startgate/access.jsonl'

/** The registry of one cluster: pulls go through a throttle and are written down, pushes go straight in. */
export interface Registry {
  host: string
  /** Name of the container with the throttle and the log. */
  container: string
  /** Makes an image that prints nothing and weighs `megabytes`, pushes it and returns its ref for pods. */
  pushTestImage(name: string, image: TestImage): Promise<string>
  /** Where this machine pushes to, past the throttle, by HTTP: `127.0.0.1:PORT`. Nodes pull the same from `host`. */
  pushHost(): Promise<string>
  /** What nodes asked for since a moment (of this machine's wall clock), oldest first. */
  accessLog(sinceMs?: number): Promise<RegistryRequest[]>
  /** Sets the bytes a second of each download from now on; 0 takes the throttle away. */
  setRate(bytesPerSecond: number): Promise<void>
  /** Starts its containers again if they have stopped. */
  start(): Promise<void>
  /** Teaches nodes the registry's name. A node keeps it over a restart. */
  trust(nodes: readonly string[]): Promise<void>
}

interface RegistrySetup {
  name: string
  env: NodeJS.ProcessEnv
  images: ClusterImages
}

/** Names of a cluster's registry containers and of its network. */
export function registryNames(cluster: string): { front: string; store: string; network: string } {
  return { front: `${cluster}-registry`, store: `${cluster}-registry-store`, network: `kind-${cluster}` }
}

/**
 * Makes the cluster's network and its registry: nginx with the fixed name, and the store in nginx's network namespace.
 */
export async function startRegistry({ name, env, images }: RegistrySetup): Promise<void> {
  const { front, store, network } = registryNames(name)
  const docker = (...argv: string[]) => run(['docker', ...argv], { env })
  await removeRegistry(name, env)
  const networks = (await docker('network', 'ls', '--format', '{{.Name}}')).stdout.split('\n')
  if (!networks.includes(network)) await docker('network', 'create', '--label', `startgate-e2e=${name}`, network)

  const common = ['--label', `startgate-e2e=${name}`]
  const alias = ['--network', network, '--network-alias', REGISTRY_HOST.split(':')[0] ?? '']
  const ports = ['-p', '127.0.0.1::5001', '-p', '127.0.0.1::5000']
  const serve = ['--entrypoint', 'nginx', images.nginx, '-c', '/etc/nginx/nginx.conf', '-g', 'daemon off;']
  await docker('create', '--name', front, '--tmpfs', '/var/log/startgate', ...common, ...alias, ...ports, ...serve)
  await docker('cp', join(CONFIG, 'nginx.conf'), `${front}:/etc/nginx/nginx.conf`)
  await docker('cp', join(CONFIG, 'rate.conf'), `${front}:/etc/nginx/rate.conf`)
  await docker('start', front)

  const keep = ['--entrypoint', 'registry', images.registry, 'serve', '/etc/startgate-registry.yml']
  await docker('create', '--name', store, ...common, '--network', `container:${front}`, ...keep)
  await docker('cp', join(CONFIG, 'config.yml'), `${store}:/etc/startgate-registry.yml`)
  await docker('start', store)
  await waitForStore(await pushUrl(name, env))
}

/** Removes a cluster's registry containers, if there are any. */
export async function removeRegistry(name: string, env: NodeJS.ProcessEnv): Promise<void> {
  const { front, store } = registryNames(name)
  await run(['docker', 'rm', '-fv', store, front], { env }).catch(() => undefined)
}

/** The registry of a cluster that has been brought up. */
export function registryFor(cluster: string, env: NodeJS.ProcessEnv): Registry {
  const { front } = registryNames(cluster)
  const exec = (script: string) => run(['docker', 'exec', front, 'sh', '-c', script], { env })
  return {
    host: REGISTRY_HOST,
    container: front,
    async pushTestImage(name, image) {
      return `${REGISTRY_HOST}/${await pushTestImage({ url: await pushUrl(cluster, env), name, image, env })}`
    },
    async pushHost() {
      return new URL(await pushUrl(cluster, env)).host
    },
    async accessLog(sinceMs = 0) {
      const { stdout } = await exec(`cat ${PULL_LOG}`)
      return parseRegistryLog(stdout).filter(request => request.endedAtMs >= sinceMs)
    },
    async setRate(bytesPerSecond) {
      await exec(`echo 'limit_rate ${Math.round(bytesPerSecond)};' >/etc/nginx/rate.conf && nginx -s reload`)
    },
    async start() {
      await run(['docker', 'start', front, registryNames(cluster).store], { env })
    },
    async trust(nodes) {
      const dir = `/etc/containerd/certs.d/${REGISTRY_HOST}`
      const hosts = `server = "http://${REGISTRY_HOST}"\n[host."http://${REGISTRY_HOST}"]\n  capabilities = ["pull", "resolve"]\n`
      const script = `mkdir -p '${dir}' && cat >'${dir}/hosts.toml'`
      await Promise.all(
        nodes.map(node => run(['docker', 'exec', '-i', node, 'sh', '-c', script], { env, input: hosts })),
      )
    },
  }
}

async function pushUrl(cluster: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await run(['docker', 'port', registryNames(cluster).front, '5001/tcp'], { env })
  return `http://${stdout.trim().split('\n')[0]}`
}

async function waitForStore(url: string): Promise<void> {
  for (const deadlineMs = performance.now() + 20_000; performance.now() < deadlineMs; await sleep(100)) {
    const answer = await fetch(`${url}/v2/`).catch(() => undefined)
    if (answer?.ok) return
  }
  throw new Error(`the registry does not answer at ${url}; see docker logs of the registry containers`)
}
