import { InvalidValueError, messageOf } from '../../core/errors.ts'
import { KubeError } from '../../core/kube/kube-error.ts'
import type { UserCluster } from '../../core/kube/user-cluster.ts'
import { type Failure, unavailable, unusable } from '../model/failure.ts'

/** Long enough for a control plane under load, short enough for somebody who waits. */
const REQUEST_TIMEOUT_MS = 10_000

export interface ClusterOptions {
  kubeconfig?: string
  context?: string
}

/**
 * The cluster of the options' kubeconfig and context. client-node is loaded only here, as it takes longer than all the
 * rest. Throws Failure.
 */
export async function connect({ kubeconfig, context }: ClusterOptions): Promise<UserCluster> {
  const { userCluster } = await import('../../core/kube/user-cluster.ts')
  try {
    return userCluster({
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      ...(kubeconfig !== undefined && { kubeconfig }),
      ...(context !== undefined && { context }),
    })
  } catch (error) {
    if (error instanceof InvalidValueError) throw unusable(error.message)
    throw error
  }
}

/** What a failed request means, in one sentence with a remedy. */
export function explained(error: unknown, what: string): Failure {
  if (!(error instanceof KubeError)) return unavailable(`${what}: ${messageOf(error)}`, error)
  if (error.status === 401)
    return unavailable(`${what}: the API server does not accept the credentials of the kubeconfig; log in again`, error)
  if (error.status === 403)
    return unavailable(
      `${what}: you may not: ${error.message}; ask for the right (for startgate's own: Role startgate-discovery)`,
      error,
    )
  if (error.status === 0)
    return unavailable(
      `${what}: the API server cannot be reached (${error.message}); look whether kubectl version works`,
      error,
    )
  return unavailable(`${what}: ${error.message}`, error)
}
