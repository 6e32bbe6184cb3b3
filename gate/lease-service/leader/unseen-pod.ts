import { GATED_LABEL } from '../../../core/names.ts'
import type { Pod } from '../../../core/pod.ts'
import { type PodIdentity, RefusedError } from '../model/refusal.ts'

/**
 * A pod that the watch does not show (yet): new, or the watch is late or broken. Throws RefusedError unless it is one
 * of ours. `getPod` resolves with undefined when there is no such pod.
 */
export async function unseenPod(
  { namespace, podName, podUid }: PodIdentity,
  getPod: (namespace: string, name: string) => Promise<Pod | undefined>,
): Promise<Pod> {
  const pod = await getPod(namespace, podName)
  if (pod?.metadata.uid !== podUid)
    throw new RefusedError(404, 'POD_GONE', `pod ${namespace}/${podName} with UID ${podUid} does not exist`)
  if (pod.metadata.labels?.[GATED_LABEL] === 'true') return pod
  const why = `has no label ${GATED_LABEL}: "true", so it is not served; make it anew in a namespace with the label startgate.dev/injection: enabled`
  throw new RefusedError(403, 'NOT_GATED', `pod ${namespace}/${podName} ${why}`)
}

/** Throws RefusedError where a waiter speaks for a pod that the API does not show on its node. */
export function requireOnNode({ metadata, spec }: Pod, { vouchedOn }: PodIdentity): void {
  if (vouchedOn === undefined || spec.nodeName === vouchedOn) return
  const where = spec.nodeName ? `runs on node ${spec.nodeName}` : 'is on no node yet'
  throw new RefusedError(
    403,
    'FOREIGN_NODE',
    `pod ${metadata.namespace}/${metadata.name} ${where}: the waiter of node ${vouchedOn} does not speak for it`,
  )
}
