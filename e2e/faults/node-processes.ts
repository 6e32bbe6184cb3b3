import { type Cluster, execOnNode } from '../cluster/cluster.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import type { Kubectl } from '../harness/kubectl.ts'

/** One container's processes, as its node sees them. */
export interface NodeProcesses {
  node: string
  pod: string
  pids: string[]
}

interface Status {
  containerID?: string
  state: { running?: object }
}

interface PodJson {
  metadata: { name: string }
  spec: { nodeName: string }
  status: { containerStatuses?: Status[]; initContainerStatuses?: Status[] }
}

const COMPONENT = ['-n', SYSTEM_NAMESPACE, '-l', 'app.kubernetes.io/component=lease-service']

/** The processes of the first container of a pod that runs, its init containers too. Throws when none does. */
export async function processesOf(cluster: Cluster, { metadata, spec, status }: PodJson): Promise<NodeProcesses> {
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  const id = statuses.find(s => s.state.running)?.containerID?.split('//')[1]
  if (!id) throw new Error(`pod ${metadata.name} has no running container`)
  const script = `cd /proc; for p in [0-9]*; do grep -q ${id} $p/cgroup 2>/dev/null && echo $p; done; true`
  const { stdout } = await execOnNode(cluster, spec.nodeName, ['sh', '-c', script])
  const pids = stdout.trim().split('\n').filter(Boolean)
  if (pids.length === 0) throw new Error(`no process of pod ${metadata.name} on ${spec.nodeName}`)
  return { node: spec.nodeName, pod: metadata.name, pids }
}

/** The replicas of the lease service, the leader first. */
export async function leaseServices(cluster: Cluster, kubectl: Kubectl): Promise<NodeProcesses[]> {
  const holder = await kubectl.text([
    'get',
    'lease',
    'startgate-leader',
    '-n',
    SYSTEM_NAMESPACE,
    '-o',
    'jsonpath={.spec.holderIdentity}',
  ])
  const { items } = await kubectl.json<{ items: PodJson[] }>(['get', 'pods', ...COMPONENT])
  const all = await Promise.all(
    items.filter(p => p.status.containerStatuses?.[0]?.state.running).map(p => processesOf(cluster, p)),
  )
  const leads = ({ pod }: NodeProcesses) => (holder.startsWith(`${pod}_`) ? 0 : 1)
  const sorted = all.sort((a, b) => leads(a) - leads(b))
  if (!sorted[0] || leads(sorted[0]) !== 0) throw new Error(`nobody leads; the Lease names ${holder}`)
  return sorted
}

/** The processes of a component of the control plane, like `etcd`. */
export async function controlPlane(cluster: Cluster, kubectl: Kubectl, component: string): Promise<NodeProcesses> {
  const node = cluster.nodes.find(n => n.role === 'control-plane')?.name ?? ''
  return processesOf(cluster, await kubectl.json<PodJson>(['get', 'pod', `${component}-${node}`, '-n', 'kube-system']))
}

/** Sends a signal to all of them at once. */
export async function signal(cluster: Cluster, { node, pids }: NodeProcesses, name: 'KILL' | 'STOP' | 'CONT' | 'TERM') {
  await execOnNode(cluster, node, ['kill', `-${name}`, ...pids])
}
