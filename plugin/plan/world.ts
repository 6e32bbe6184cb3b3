import type { NamespaceSettings } from '../../core/annotations.ts'
import type { ClusterConfig } from '../../core/cluster-config.ts'
import { foldNamespace } from '../../core/namespace-settings.ts'
import type { Namespace, Node } from '../../core/pod.ts'
import { withinPermissions } from '../../gate/lease-service/limits/chart-permissions.ts'
import type { LimitFacts } from '../../gate/lease-service/limits/scope.ts'
import { settingsOf } from '../../gate/lease-service/limits/settings-from-config.ts'
import { nodeFactsOf } from '../../gate/lease-service/pods/node-facts.ts'
import { asNamespace } from '../lint/namespaces.ts'
import type { FoundObject } from '../manifest/objects.ts'
import { unusable } from '../model/failure.ts'

/** Nodes of one plan. */
export const MOST_NODES = 5_000

/** The limits in force in this cluster, with the Namespaces among the objects; the last one of a name counts. */
export function limitFactsOf(found: readonly FoundObject[], nodes: readonly Node[], config: ClusterConfig): LimitFacts {
  const settings = settingsOf(config)
  const namespaces = new Map<string, NamespaceSettings>()
  for (const { kind, name, object } of found) {
    if (kind !== 'Namespace') continue
    const { metadata } = asNamespace(object, name)
    const fold = foldNamespace(undefined, { metadata })
    namespaces.set(name, withinPermissions(fold, settings, metadata.annotations).settings)
  }
  const facts = nodes.map(node => [node.metadata.name ?? '', nodeFactsOf(node, undefined, settings.nodePools)] as const)
  return { settings, nodes: new Map(facts), namespaces }
}

/** A Namespace of the cluster, as if it stood before the files. */
export function foundNamespace(namespace: Namespace): FoundObject {
  return {
    file: 'the cluster',
    document: 0,
    line: 0,
    kind: 'Namespace',
    name: namespace.metadata.name ?? '',
    namespace: undefined,
    object: { ...namespace },
    lineOf: () => 0,
  }
}

/** Nodes that are all alike. Throws Failure for too many. */
export function madeNodes(count: number, cores: number): Node[] {
  if (count > MOST_NODES) throw unusable(`--nodes: ${count} is too many; use at most ${MOST_NODES}`)
  const status = { capacity: { cpu: String(cores) } }
  return Array.from({ length: count }, (_, at) => ({ metadata: { name: `node-${at + 1}` }, status }))
}

/** Whether pods that tolerate nothing can come to a node. */
export function takesPods({ spec = {}, status = {} }: Node): boolean {
  const isReady = !(status.conditions ?? []).some(c => c.type === 'Ready' && c.status !== 'True')
  const isTainted = (spec.taints ?? []).some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')
  return isReady && spec.unschedulable !== true && !isTainted
}
