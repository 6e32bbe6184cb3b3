import { GATED_LABEL, SHARED_VOLUME } from '../../core/names.ts'
import type { ObjectMeta } from '../../core/pod.ts'

/** The cluster autoscaler does not drain a node for pods with an emptyDir, unless the volume is named here. */
const SAFE_TO_EVICT = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes'

/** The labels to set: the lease service watches pods by them. */
export function ownLabels(): Record<string, string> {
  return { [GATED_LABEL]: 'true' }
}

/** The annotations to set; the volumes that the user named stay. */
export function ownAnnotations({ annotations }: ObjectMeta): Record<string, string> {
  const named = (annotations?.[SAFE_TO_EVICT] ?? '').split(',').filter(name => name.trim() !== '')
  if (named.some(name => name.trim() === SHARED_VOLUME)) return {}
  return { [SAFE_TO_EVICT]: [...named, SHARED_VOLUME].join(',') }
}
