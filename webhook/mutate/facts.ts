import type { ClusterConfig } from '../../core/cluster-config.ts'
import type { ClusterView } from '../cluster/cluster-view.ts'
import { injectSettings } from '../cluster/settings.ts'
import type { MutateFacts } from './mutate.ts'

export interface FactSources {
  config: ClusterConfig
  view: Pick<ClusterView, 'address' | 'missing' | 'namespaces' | 'nodes' | 'waitersAreAway'>
  /** PEM bundle that gates believe; undefined until there are certificates. */
  ca: () => string | undefined
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
  }
}
