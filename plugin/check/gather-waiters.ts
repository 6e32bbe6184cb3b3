import type { ClusterConfig } from '../../core/cluster-config.ts'
import type { ApiTransport } from '../../core/kube/transport.ts'
import type { Pod } from '../../core/pod.ts'
import { type Fact, fact } from '../cluster/facts.ts'
import type { WaiterDaemonSet, WaiterFacts } from './facts.ts'

/** Pods and Events that are looked at: what one has to say, as a rule all have. */
const MOST = 500

/** What there is of the nodes' waiters; nothing where they are off, or nobody knows whether they are. */
export async function gatherWaiters(
  transport: ApiTransport,
  startgateNamespace: string,
  config: Fact<ClusterConfig>,
): Promise<WaiterFacts | undefined> {
  if (config.kind !== 'known' || !config.value.nodeWaiter) return undefined
  const { name } = config.value.nodeWaiter
  const namespace = encodeURIComponent(startgateNamespace)
  const [daemonSet, pods, refusals] = await Promise.all([
    fact(() =>
      transport.request<WaiterDaemonSet>({
        method: 'GET',
        path: `/apis/apps/v1/namespaces/${namespace}/daemonsets/${encodeURIComponent(name)}`,
      }),
    ),
    fact(async () => {
      const labelSelector = 'app.kubernetes.io/name=startgate,app.kubernetes.io/component=node-waiter'
      const path = `/api/v1/namespaces/${namespace}/pods`
      return itemsOf(await transport.request<List<Pod>>({ method: 'GET', path, query: { labelSelector, limit: MOST } }))
    }),
    fact(async () => {
      const fieldSelector = `involvedObject.kind=DaemonSet,involvedObject.name=${name},reason=FailedCreate`
      const path = `/api/v1/namespaces/${namespace}/events`
      const query = { fieldSelector, limit: MOST }
      const events = itemsOf(await transport.request<List<{ message?: string }>>({ method: 'GET', path, query }))
      return events.flatMap(({ message }) => message ?? [])
    }),
  ])
  return { daemonSet, pods, refusals }
}

interface List<T> {
  items?: T[] | null
}

function itemsOf<T>({ items }: List<T>): T[] {
  return items ?? []
}
