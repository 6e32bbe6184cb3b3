import { type ClusterConfig, parseClusterConfig } from '../../core/cluster-config.ts'
import { messageOf } from '../../core/errors.ts'
import { pagesOf } from '../../core/kube/list.ts'
import type { UserCluster } from '../../core/kube/user-cluster.ts'
import type { Namespace, Node } from '../../core/pod.ts'
import type { RecentRelease } from '../../core/state-rows.ts'
import { explained } from '../cluster/connect.ts'
import { type Fact, fact } from '../cluster/facts.ts'
import { findInstallation } from '../cluster/installation.ts'
import { unavailable, unusable } from '../model/failure.ts'
import { type LeaderAccess, readState, stateClient } from '../state/state-client.ts'
import { MOST_NODES } from './world.ts'

/** What a plan goes by that only the cluster knows. */
export interface PlanFacts {
  nodes: Node[]
  namespaces: Namespace[]
  /** Undefined where startgate's settings cannot be read. */
  config: ClusterConfig | undefined
  releases: RecentRelease[]
  /** What could not be read, in sentences. */
  notes: string[]
}

const MOST_NAMESPACES = 10_000

/** Reads them. Throws Failure where there are no nodes to plan on. */
export async function gatherPlan(cluster: UserCluster, startgateNamespace: string | undefined): Promise<PlanFacts> {
  const { transport } = cluster
  const nodes = await listUpTo<Node>(cluster, '/api/v1/nodes', MOST_NODES).catch(error => {
    throw explained(error, 'the nodes, which --nodes and --cores may stand for')
  })
  if (!nodes) throw unusable(`the cluster has more than ${MOST_NODES} nodes; use --nodes and --cores`)
  const warned: string[] = []
  const [namespaces, config, releases] = await Promise.all([
    fact(async () => (await listUpTo<Namespace>(cluster, '/api/v1/namespaces', MOST_NAMESPACES)) ?? tooMany()),
    fact(async () => {
      const installation = await findInstallation(transport, startgateNamespace)
      const path = `/api/v1/namespaces/${encodeURIComponent(installation.namespace)}/configmaps/startgate-config`
      const { data } = await transport.request<{ data?: Record<string, string> }>({ method: 'GET', path })
      return parseClusterConfig(data?.['config.json'] ?? '')
    }),
    recentReleases({ cluster, startgateNamespace, warn: sentence => warned.push(sentence) }),
  ])
  const notes = [
    ...warned,
    problemOf(namespaces, 'Namespaces of the cluster cannot be read, those of the files count alone'),
    problemOf(config, "startgate's settings in the cluster cannot be read, the chart's defaults count"),
    problemOf(releases, 'The leader cannot be asked for recorded start times'),
  ].filter(note => note !== undefined)
  return {
    nodes,
    namespaces: knownIn(namespaces) ?? [],
    config: knownIn(config),
    releases: knownIn(releases) ?? [],
    notes,
  }
}

async function recentReleases(access: LeaderAccess): Promise<Fact<RecentRelease[]>> {
  return fact(async () => {
    const state = await readState(await stateClient(access), { limit: 1 })
    return state.recent.releases.items
  })
}

/** Undefined when there are more. */
async function listUpTo<T>({ transport }: UserCluster, path: string, most: number): Promise<T[] | undefined> {
  const items: T[] = []
  for await (const page of pagesOf<T>(transport, path)) {
    for (const item of page.items) items.push(item)
    if (items.length > most) return undefined
  }
  return items
}

function tooMany(): never {
  throw unavailable(`there are more than ${MOST_NAMESPACES}`)
}

function knownIn<T>(given: Fact<T>): T | undefined {
  return given.kind === 'known' ? given.value : undefined
}

function problemOf(given: Fact<unknown>, what: string): string | undefined {
  if (given.kind === 'known') return undefined
  return `${what}: ${given.kind === 'absent' ? 'there are none' : messageOf(given.problem)}`
}
