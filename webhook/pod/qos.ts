import type { Pod, ResourceRequirements } from '../../core/pod.ts'
import { parseQuantity } from '../../core/quantity.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

/**
 * The QoS class that the API server will give the pod. Source: k8s.io/kubernetes/pkg/apis/core/v1/helper/qos,
 * ComputePodQOS; a missing request counts as its limit, as the API server's defaulting makes it.
 */
export function qosClass({ spec }: Pod): QosClass {
  if (hasPodResources(spec.resources)) return qosOf(spec.resources)
  const classes = new Set([...(spec.initContainers ?? []), ...spec.containers].map(c => qosOf(c.resources)))
  const [only = 'BestEffort'] = classes
  return classes.size > 1 ? 'Burstable' : only
}

/** Whether resources are set on the pod as a whole (KEP-2837); then the containers' do not count. */
export function hasPodResources(resources: ResourceRequirements | null | undefined): resources is ResourceRequirements {
  const names = Object.keys({ ...resources?.requests, ...resources?.limits })
  return names.some(name => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-'))
}

function qosOf(resources: ResourceRequirements | null | undefined): QosClass {
  const classes = new Set(
    ['cpu', 'memory'].map((name): QosClass => {
      const limit = parseQuantity(resources?.limits?.[name]) ?? 0
      const request = parseQuantity(resources?.requests?.[name]) ?? limit
      if (request !== limit) return 'Burstable'
      return request === 0 ? 'BestEffort' : 'Guaranteed'
    }),
  )
  const [only = 'BestEffort'] = classes
  return classes.size > 1 ? 'Burstable' : only
}
