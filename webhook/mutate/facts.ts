import type { ClusterConfig } from '../../core/cluster-config.ts'
import type { Pod } from '../../core/pod.ts'
import type { ClusterView } from '../cluster/cluster-view.ts'
import { injectSettings } from '../cluster/settings.ts'
import type { MutateFacts } from './mutate.ts'

type FactsView =
  | 'address'
  | 'missing'
  | 'namespaces'
  | 'nodes'
  | 'waitersAreAway'
  | 'kubelets'
  | 'leaderReadsSidecarGates'

export interface FactSources {
  config: ClusterConfig
  view: Pick<ClusterView, FactsView>
  /** PEM bundle that gates believe; undefined until there are certificates. */
  ca: () => string | undefined
}

/** What is needed for any gate and not known yet, one sentence each. */
export function missingFacts({ view, ca }: Pick<FactSources, 'ca'> & { view: Pick<ClusterView, 'missing'> }): string[] {
  return [...view.missing(), ...(ca() ? [] : ['no certificate yet'])]
}

/** What is known when a pod of the namespace is reviewed; undefined while something that is needed is not known yet. */
export function factsFor(namespace: string, { config, view, ca: caOf }: FactSources): MutateFacts | undefined {
  const address = view.address()
  const ca = caOf()
  if (!address || !ca || view.missing().length > 0) return undefined
  const throughWaiters = injectSettings(config, { address, ca })
  const areAway = view.waitersAreAway()
  return {
    settings: areAway ? injectSettings({ ...config, nodeWaiter: null }, { address, ca }) : throughWaiters,
    ...(areAway && { throughWaiters }),
    namespace: view.namespaces.factsOf(namespace),
    everywhereFor: pod => view.nodes.everywhereFor(pod),
    hasSidecarGates: pod => hasSidecarGates(pod, config, view),
  }
}

/** Only where the leader reads them: one of an older version would hold each of their slots to its timeout. */
function hasSidecarGates(
  pod: Pod,
  { sequenceGates }: ClusterConfig,
  { kubelets, leaderReadsSidecarGates }: Pick<ClusterView, 'kubelets' | 'leaderReadsSidecarGates'>,
): boolean {
  if (sequenceGates === 'init' || !leaderReadsSidecarGates()) return false
  return sequenceGates === 'sidecar' || kubelets.areFitFor(pod)
}
