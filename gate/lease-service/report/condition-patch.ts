import { messageOf } from '../../../core/errors.ts'
import { KubeError } from '../../../core/kube/kube-error.ts'
import type { ApiTransport } from '../../../core/kube/transport.ts'
import type { Logger } from '../../../core/log.ts'
import type { Pod } from '../../../core/pod.ts'

export interface ConditionPatchDeps {
  transport: Pick<ApiTransport, 'request'>
  log: Logger
}

/** Without `lastTransitionTime` that of the status stays. */
export interface WrittenCondition {
  type: string
  status: 'True' | 'False'
  reason: string
  message: string
  lastTransitionTime?: string
}

export interface PatchFailure {
  /** Another try may succeed. */
  isPassing: boolean
  /** There is no such pod any more. */
  isGone: boolean
  /** It is this pod's that is refused; others' may be taken. */
  isOfPod: boolean
  retryAfterMs: number | undefined
}

/** Writes one condition into a pod's status. Resolves with what went wrong, if anything did. */
export async function patchCondition(
  { transport, log }: ConditionPatchDeps,
  { metadata: { namespace = '', name = '', uid } }: Pick<Pod, 'metadata'>,
  condition: WrittenCondition,
): Promise<PatchFailure | undefined> {
  try {
    await transport.request({
      method: 'PATCH',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/status`,
      // Merges conditions by their type, and the kubelet leaves those it does not know alone.
      contentType: 'application/strategic-merge-patch+json',
      // With the uid, a pod of the same name that came after is not written to.
      body: { metadata: { uid }, status: { conditions: [condition] } },
    })
    return undefined
  } catch (error) {
    const { status, retryAfterMs } = error instanceof KubeError ? error : { status: 0, retryAfterMs: undefined }
    // 404, and 422 where a pod of the same name has taken its place, since a uid is immutable: it is gone.
    const isGone = status === 404 || status === 422
    if (!isGone) log.warn({ namespace, pod: name, error: messageOf(error) }, 'cannot write the condition of a pod')
    const isOurs = status < 400 || status >= 500
    return { isPassing: isOurs || PASSING.has(status), isGone, isOfPod: !isOurs && !OF_ALL.has(status), retryAfterMs }
  }
}

/**
 * Of the 4xx, those that time alone may change. 403: a right that was taken away may be given back, but not for this.
 */
const PASSING = new Set([401, 408, 409, 429])
/** Of the 4xx, those that say nothing about the pod: our token, a late answer, too many requests. */
const OF_ALL = new Set([401, 408, 429])

/** A stamp as the API has it: to the second. */
export function stampOf(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`
}
