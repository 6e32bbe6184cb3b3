import { parseClusterConfig } from '../../core/cluster-config.ts'
import { messageOf } from '../../core/errors.ts'
import { isNotFound } from '../../core/kube/kube-error.ts'
import { listAll } from '../../core/kube/list.ts'
import type { Namespace } from '../../core/pod.ts'
import { MAX_LIMIT, type State } from '../../core/state-api.ts'
import type { WaitingGate } from '../../core/state-rows.ts'
import { explained } from '../cluster/connect.ts'
import { fact } from '../cluster/facts.ts'
import { findInstallation } from '../cluster/installation.ts'
import { unusable } from '../model/failure.ts'
import { type LeaderAccess, readState, type StateClient, stateClient } from '../state/state-client.ts'
import type { ExplainedPod, PodEvent, PodFacts } from './facts.ts'

export interface ExplainOptions extends LeaderAccess {
  namespace: string
  pod: string
  nowMs: number
}

/** Reads all that is known of a pod. Throws Failure when the pod itself cannot be read. */
export async function gatherPod(options: ExplainOptions): Promise<PodFacts> {
  const { cluster, namespace, pod: name, nowMs } = options
  const { transport } = cluster
  const base = `/api/v1/namespaces/${encodeURIComponent(namespace)}`
  const get = <T>(path: string) => transport.request<T>({ method: 'GET', path })
  const pod = await get<ExplainedPod>(`${base}/pods/${encodeURIComponent(name)}`).catch(error => {
    if (isNotFound(error)) throw unusable(`there is no pod ${name} in namespace ${namespace}; use -n for another one`)
    throw explained(error, `pod ${namespace}/${name}`)
  })
  const fieldSelector = `involvedObject.uid=${pod.metadata.uid}`
  const [events, namespaceObject, config, state] = await Promise.all([
    fact(async () => (await listAll<PodEvent>(transport, `${base}/events`, { fieldSelector })).items),
    fact(() => get<Namespace>(base)),
    fact(async () => {
      const installation = await findInstallation(transport, options.startgateNamespace)
      const path = `/api/v1/namespaces/${encodeURIComponent(installation.namespace)}/configmaps/startgate-config`
      const { data } = await get<{ data?: Record<string, string> }>(path)
      return parseClusterConfig(data?.['config.json'] ?? '')
    }),
    gatherState(options),
  ])
  return { nowMs, namespace, pod, events, namespaceObject, config, state }
}

async function gatherState({ namespace, pod, ...access }: ExplainOptions): Promise<PodFacts['state']> {
  try {
    const client = await stateClient(access)
    const state = await readState(client, { namespace, pod })
    return { kind: 'known', state, ahead: await gatherAhead(client, state, namespace) }
  } catch (error) {
    return { kind: 'unknown', problem: messageOf(error) }
  }
}

/** Who waits in the same line: of all namespaces for who may see them, else of the pod's own. */
async function gatherAhead(client: StateClient, state: State, namespace: string): Promise<WaitingGate[]> {
  const [gate] = state.waiting.items
  if (!gate || gate.scope === undefined || gate.place <= 1) return []
  const query = { scope: gate.scope, limit: Math.min(MAX_LIMIT, Math.max(gate.place * 2, 10)) }
  const all = await readState(client, query).catch(() =>
    readState(client, { ...query, namespace }).catch(() => undefined),
  )
  return all?.waiting.items ?? []
}
