import { GATED_LABEL } from '../../core/names.ts'
import type { ObjectMeta } from '../../core/pod.ts'

/** The cluster autoscaler does not drain a node for pods with an emptyDir, unless the volume is named here. */
const SAFE_TO_EVICT = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes'

/** A longer list is left as it is: no pod has so many volumes. */
const MOST_TEXT = 65_536

/** The labels to set: the lease service watches pods by them. */
export function ownLabels(): Record<string, string> {
  return { [GATED_LABEL]: 'true' }
}

/** kubectl's choice for logs and exec where none is named; without it, the first of `containers`. */
const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'

export interface AnnotationNeeds {
  /** Our emptyDirs in this pod. */
  volumes: readonly string[]
  /** The user's first container, where it is not the first any more. */
  firstContainer?: string
}

/** The annotations to set; what the user named stays. */
export function ownAnnotations(
  { annotations }: ObjectMeta,
  { volumes, firstContainer }: AnnotationNeeds,
): Record<string, string> {
  const given = annotations?.[SAFE_TO_EVICT] ?? ''
  const named = given.length > MOST_TEXT ? [] : given.split(',').filter(name => name.trim() !== '')
  const missing = (given.length > MOST_TEXT ? [] : volumes).filter(
    volume => !named.some(name => name.trim() === volume),
  )
  return {
    ...(missing.length > 0 && { [SAFE_TO_EVICT]: [...named, ...missing].join(',') }),
    ...(firstContainer && !annotations?.[DEFAULT_CONTAINER] && { [DEFAULT_CONTAINER]: firstContainer }),
  }
}
