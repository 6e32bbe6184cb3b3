import { parseArgs } from 'node:util'
import {
  type Cluster,
  clusterDown,
  clusterStatus,
  clusterUp,
  collectLogs,
  findCluster,
  kubelet,
  loadImage,
  node,
  runtime,
} from './cluster.ts'
import { lineLog } from './line-log.ts'
import { clusterPaths } from './paths.ts'
import { buildProductImage, PRODUCT_IMAGE } from './product-image.ts'

const USAGE = `usage: node e2e/cluster/cli.ts COMMAND [--name X]
  up [--nodes N]                       bring the cluster up (N workers, 2 by default), or adopt the running one
  down                                 take it down, and with the last one the local Docker daemon
  status                               say whether it runs
  image                                build the product image and load it into every node
  load IMAGE                           copy an image of the Docker daemon into every node
  node NAME stop|start|restart|kill|pause|unpause
  kubelet NAME stop|start|restart
  runtime NAME stop|start|restart      containerd of a node
  logs DIR                             write logs of nodes, pods and registry`

const log = lineLog(process.stderr)

interface Request {
  name: string
  nodes: number
  args: string[]
}

const commands: Record<string, (request: Request) => Promise<void>> = {
  async up({ name, nodes }) {
    const startMs = performance.now()
    const cluster = await clusterUp({ name, nodes, log })
    log(`cluster ${name} is up (${Math.round((performance.now() - startMs) / 1000)} s)`)
    process.stdout.write(exports(cluster))
  },
  down: ({ name }) => clusterDown({ name, log }),
  async status({ name }) {
    const status = await clusterStatus(name)
    process.stdout.write(`${name}: ${status.state} (${status.detail})\n`)
    for (const { name: node, role, ip } of status.cluster?.nodes ?? [])
      process.stdout.write(`  ${node}  ${role}  ${ip}\n`)
    if (status.state !== 'running') process.exitCode = 1
    else if (status.cluster) process.stdout.write(exports(status.cluster))
  },
  async image({ name }) {
    const cluster = await running(name)
    const { ref } = await buildProductImage({ cluster, log })
    for (const name of [ref, PRODUCT_IMAGE]) await loadImage(cluster, name)
    log(`${ref} (and ${PRODUCT_IMAGE}) is on every node`)
    process.stdout.write(`${ref}\n`)
  },
  load: async ({ name, args }) => loadImage(await running(name), required(args[0], 'an image')),
  logs: async ({ name, args }) => collectLogs(await running(name), required(args[0], 'a folder')),
  node: ({ name, args }) => act(node, name, args, ['stop', 'start', 'restart', 'kill', 'pause', 'unpause']),
  kubelet: ({ name, args }) => act(kubelet, name, args, ['stop', 'start', 'restart']),
  runtime: ({ name, args }) => act(runtime, name, args, ['stop', 'start', 'restart']),
}

type Act<A> = (cluster: Cluster, node: string, action: A) => Promise<void>

async function act<A extends string>(perform: Act<A>, name: string, args: string[], actions: A[]): Promise<void> {
  const action = actions.find(known => known === args[1])
  if (action === undefined) throw new Error(`say which node and one of ${actions.join(', ')}`)
  const { cluster } = await clusterStatus(name)
  if (!cluster) throw new Error(`cluster ${name} is not up; run: npm run cluster:up`)
  await perform(cluster, required(args[0], 'a node'), action)
}

async function running(name: string): Promise<Cluster> {
  const cluster = await findCluster(name)
  if (!cluster) throw new Error(`cluster ${name} is not up; run: npm run cluster:up`)
  return cluster
}

function required(value: string | undefined, what: string): string {
  if (value === undefined) throw new Error(`say ${what}\n${USAGE}`)
  return value
}

/** Lines for a shell: `eval "$(npm run -s cluster:up)"`. */
function exports({ kubeconfig, env }: Cluster): string {
  const dockerHost = env.DOCKER_HOST ? `export DOCKER_HOST=${env.DOCKER_HOST}\n` : ''
  return `export KUBECONFIG=${kubeconfig}\nexport PATH=${clusterPaths().bin}:$PATH\n${dockerHost}`
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { name: { type: 'string', default: 'startgate' }, nodes: { type: 'string', default: '2' } },
  })
  const [command = '', ...args] = positionals
  const perform = commands[command]
  const nodes = Number(values.nodes)
  if (!perform || !Number.isInteger(nodes) || nodes < 1) throw new Error(USAGE)
  await perform({ name: values.name, nodes, args })
}

// A reader that has seen enough (`status | head -1`) is no fault.
process.stdout.on('error', () => undefined)

main().catch((error: Error) => {
  log(process.env.STARTGATE_DEBUG ? String(error.stack) : error.message)
  process.exitCode = 1
})
