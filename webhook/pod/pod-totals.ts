import type { Container, Pod } from '../../core/pod.ts'
import { parseQuantity } from '../../core/quantity.ts'

export type ResourceList = 'requests' | 'limits'

/** What a container asks for, or may use, of a resource; 0 for nothing said. A missing request is its limit. */
export function amountOf({ resources }: Container, list: ResourceList, name: string): number {
  const limit = resources?.limits?.[name]
  return parseQuantity(list === 'limits' ? limit : (resources?.requests?.[name] ?? limit)) ?? 0
}

/**
 * What the scheduler, ResourceQuota and LimitRange count for a pod: the most of what its init containers need one after
 * another, each with the sidecars before it, and of what runs side by side in the end.
 * Source: k8s.io/component-helpers/resource, PodRequests and PodLimits.
 */
export function effectiveAmount({ spec }: Pod, list: ResourceList, name: string): number {
  let sidecars = 0
  let most = 0
  for (const container of spec.initContainers ?? []) {
    const amount = amountOf(container, list, name)
    if (container.restartPolicy === 'Always') sidecars += amount
    most = Math.max(most, container.restartPolicy === 'Always' ? sidecars : sidecars + amount)
  }
  return Math.max(
    most,
    spec.containers.reduce((sum, container) => sum + amountOf(container, list, name), sidecars),
  )
}

/** Of the pod's own sidecars together. */
export function sidecarAmount({ spec }: Pod, list: ResourceList, name: string): number {
  const sidecars = (spec.initContainers ?? []).filter(c => c.restartPolicy === 'Always')
  return sidecars.reduce((sum, container) => sum + amountOf(container, list, name), 0)
}

/** How much an init container after all sidecars may ask for without the pod as a whole asking for more. */
export function roomFor(pod: Pod, list: ResourceList, name: string): number {
  return effectiveAmount(pod, list, name) - sidecarAmount(pod, list, name)
}
