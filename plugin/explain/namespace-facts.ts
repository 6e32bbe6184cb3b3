import { foldNamespace } from '../../core/namespace-settings.ts'
import type { Namespace } from '../../core/pod.ts'
import type { NamespaceFacts } from '../../webhook/cluster/settings.ts'

/** What the webhook knows of a namespace, as far as the rules about who is gated ask. */
export function asNamespaceFacts(namespace: Namespace): NamespaceFacts {
  return {
    labels: namespace.metadata.labels ?? {},
    settings: foldNamespace(undefined, namespace).settings,
    hasLimitRange: false,
    hasResourceQuota: false,
  }
}
