import { type ClusterConfig, parseClusterConfig } from '../../core/cluster-config.ts'
import type { Lease } from '../../core/kube/lease.ts'
import { listAll } from '../../core/kube/list.ts'
import type { ApiTransport } from '../../core/kube/transport.ts'
import type { UserCluster } from '../../core/kube/user-cluster.ts'
import { ELECTION_LEASE, GATED_LABEL, INJECTION_LABEL } from '../../core/names.ts'
import type { Namespace, Pod } from '../../core/pod.ts'
import { VERSION } from '../../core/version.ts'
import { absent, type Fact, fact, known } from '../cluster/facts.ts'
import { findInstallation, type Installation } from '../cluster/installation.ts'
import type { ApiFacts, CheckFacts, LeaderFacts, NetworkPolicy } from './facts.ts'
import { gatherProgram, NO_PROGRAM } from './gather-program.ts'
import { gatherWaiters } from './gather-waiters.ts'
import { missingRights, rightsToRead } from './rights.ts'
import { tryPod } from './trial.ts'

export interface GatherOptions {
  cluster: UserCluster
  /** Only this one; all that are opted in without it. */
  namespace?: string
  startgateNamespace?: string
  nowMs: number
  sleep(ms: number): Promise<void>
}

/** A leader renews every second: who did not within this time is gone, or the API server is slow. */
const SECOND_LOOK_MS = 3_000
const YOUNG_MS = 5_000

/** Asks for everything that `check` judges; what cannot be read is a fact too. */
export async function gather(options: GatherOptions): Promise<CheckFacts> {
  const { transport } = options.cluster
  const api = await fact(() => transport.request<ApiFacts>({ method: 'GET', path: '/version' }))
  const installation = await findInstallation(transport, options.startgateNamespace)
  const { namespace: startgateNamespace, webhook } = installation
  const found = { ...NOTHING, nowMs: options.nowMs, pluginVersion: VERSION, api, startgateNamespace, webhook }
  if (api.kind !== 'known') return found
  const missing = await missingRights(transport, rightsToRead(startgateNamespace))
  if (webhook.kind === 'absent') return { ...found, missingRights: missing }
  return { ...found, missingRights: missing, ...(await gatherInstalled(options, installation)) }
}

const NOTHING = {
  missingRights: [],
  programs: { webhook: NO_PROGRAM, 'lease-service': NO_PROGRAM },
  config: absent,
  leader: absent,
  ownNamespace: absent,
  namespaces: absent,
  policies: absent,
  pendingPods: absent,
}

/** What there is to ask where startgate is installed. */
async function gatherInstalled(options: GatherOptions, installation: Installation) {
  const { cluster } = options
  const own = installation.namespace
  const [config, leader, ownNamespace, namespaces, policies, pendingPods] = await Promise.all([
    readConfig(cluster, own),
    readLeader(options, own),
    readNamespace(cluster.transport, own),
    readNamespaces(options),
    readPolicies(options),
    readPendingPods(options),
  ])
  const programs = {
    webhook: await gatherProgram('webhook', { cluster, installation }),
    'lease-service': await gatherProgram('lease-service', { cluster, installation }),
  }
  const waiters = await gatherWaiters(cluster.transport, own, config)
  const trial = await tryPod(cluster.transport, { namespaces, config })
  const read = { config, leader, ownNamespace, namespaces, policies, pendingPods, programs }
  return { ...read, ...(waiters && { waiters }), ...(trial && { trial }) }
}

async function readConfig({ transport }: UserCluster, namespace: string): Promise<Fact<ClusterConfig>> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps/startgate-config`
  return fact(async () => {
    const { data } = await transport.request<{ data?: Record<string, string> }>({ method: 'GET', path })
    return parseClusterConfig(data?.['config.json'] ?? '')
  })
}

/** Looks twice at a Lease that is not young: by different clocks it may seem old and be renewed all the same. */
async function readLeader({ cluster, sleep }: GatherOptions, namespace: string): Promise<Fact<LeaderFacts>> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases/${ELECTION_LEASE}`
  const look = async (): Promise<LeaderFacts> => {
    let serverMs = Number.NaN
    const onHeaders = ({ date }: { date?: string | undefined }): void => {
      serverMs = Date.parse(date ?? '')
    }
    const { spec = {} } = await cluster.transport.request<Lease>({ method: 'GET', path, onHeaders })
    return { spec, serverMs }
  }
  return fact(async () => {
    const first = await look()
    const ageMs = first.serverMs - Date.parse(first.spec.renewTime ?? '')
    if (ageMs > -YOUNG_MS && ageMs < YOUNG_MS) return first
    await sleep(SECOND_LOOK_MS)
    const second = await look()
    return { ...second, renewed: second.spec.renewTime !== first.spec.renewTime }
  })
}

function readNamespace(transport: ApiTransport, name: string): Promise<Fact<Namespace>> {
  return fact(() =>
    transport.request<Namespace>({ method: 'GET', path: `/api/v1/namespaces/${encodeURIComponent(name)}` }),
  )
}

async function readNamespaces({ cluster, namespace }: GatherOptions): Promise<Fact<Namespace[]>> {
  const { transport } = cluster
  if (namespace === undefined)
    return fact(
      async () => (await listAll<Namespace>(transport, '/api/v1/namespaces', { labelSelector: INJECTION_LABEL })).items,
    )
  const one = await readNamespace(transport, namespace)
  return one.kind === 'known' ? known([one.value]) : one
}

async function readPolicies({ cluster, namespace }: GatherOptions): Promise<Fact<NetworkPolicy[]>> {
  const base = '/apis/networking.k8s.io/v1'
  const path = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  const policies = await fact(
    async () => (await listAll<NetworkPolicy>(cluster.transport, `${base}${path}/networkpolicies`)).items,
  )
  // A cluster without that API has none of them.
  return policies.kind === 'absent' ? known([]) : policies
}

/** Those that are looked at: what one lacks, as a rule all lack. */
const MOST_PENDING = 500

function readPendingPods({ cluster, namespace }: GatherOptions): Promise<Fact<Pod[]>> {
  const path = namespace === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`
  const query = { labelSelector: `${GATED_LABEL}=true`, fieldSelector: 'status.phase=Pending', limit: MOST_PENDING }
  return fact(
    async () => (await cluster.transport.request<{ items?: Pod[] | null }>({ method: 'GET', path, query })).items ?? [],
  )
}
