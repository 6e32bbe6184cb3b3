import { isConflict, isNotFound, KubeError } from '../../core/kube/kube-error.ts'
import type { ApiTransport } from '../../core/kube/transport.ts'
import type { Namespace } from '../../core/pod.ts'
import { explained } from '../cluster/connect.ts'
import { unavailable, unusable } from '../model/failure.ts'
import { FROZEN, type FreezeStep } from './freeze.ts'

/** Who asks, as the API server knows them; undefined where it does not tell. */
export async function whoAmI(transport: ApiTransport): Promise<string | undefined> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const review = await transport
    .request<{ status?: { userInfo?: { username?: string } } }>({ method: 'POST', path, body })
    .catch(() => undefined)
  return review?.status?.userInfo?.username
}

const ATTEMPTS = 3

/**
 * Reads a namespace, decides, and writes the annotation if the namespace is still as it was read; else all of it again,
 * three times at most. Throws Failure.
 */
export async function stepOn(
  transport: ApiTransport,
  name: string,
  decide: (namespace: Namespace) => FreezeStep,
): Promise<FreezeStep> {
  const path = `/api/v1/namespaces/${encodeURIComponent(name)}`
  for (let attempt = 1; ; attempt++) {
    const namespace = await transport.request<Namespace>({ method: 'GET', path }).catch(error => {
      if (isNotFound(error)) throw unusable(`there is no namespace ${name}; use -n for another one`)
      throw explained(error, `namespace ${name}`)
    })
    const step = decide(namespace)
    if (step.annotation === undefined) return step
    const { resourceVersion } = namespace.metadata
    const body = { metadata: { resourceVersion, annotations: { [FROZEN]: step.annotation } } }
    try {
      await transport.request({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' })
      return step
    } catch (error) {
      if (isConflict(error) && attempt < ATTEMPTS) continue
      if (error instanceof KubeError && error.status === 403)
        throw unavailable(`you may not patch namespaces named ${name}, where the freeze is written; ask for that right`)
      throw explained(error, `namespace ${name}`)
    }
  }
}
