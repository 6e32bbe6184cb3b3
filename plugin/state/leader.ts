import { isNotFound, KubeError } from '../../core/kube/kube-error.ts'
import type { Lease } from '../../core/kube/lease.ts'
import type { UserCluster } from '../../core/kube/user-cluster.ts'
import { ELECTION_LEASE } from '../../core/names.ts'
import type { Pod } from '../../core/pod.ts'
import { STATE_PORT_NAME } from '../../core/state-api.ts'
import { explained } from '../cluster/connect.ts'
import { findInstallation } from '../cluster/installation.ts'
import { containerPort } from '../cluster/pod-port.ts'
import type { TlsTarget } from '../cluster/tls-through-pod.ts'
import { unavailable } from '../model/failure.ts'

const NOT_INSTALLED =
  'startgate is not installed in this cluster; install its chart, or use --context for another cluster'
const NO_LEADER = 'no replica of the lease service leads at the moment; one takes over within 8 s where any runs'

/** Where the leader serves its state. Throws Failure with a sentence for each way in which there is none. */
export async function findLeader(
  { transport }: Pick<UserCluster, 'transport'>,
  given: string | undefined,
): Promise<TlsTarget> {
  const { namespace, webhook, caPem } = await findInstallation(transport, given)
  if (webhook.kind === 'absent') throw unavailable(NOT_INSTALLED)
  if (webhook.kind === 'unknown') {
    const remedy = webhook.forbidden ? '; ask for a ClusterRoleBinding to startgate-discovery' : ''
    throw unavailable(
      `the MutatingWebhookConfiguration startgate, which has the CAs, cannot be read: ${webhook.problem}${remedy}`,
    )
  }
  if (caPem === undefined)
    throw unavailable('the webhook configuration has no caBundle; `kubectl startgate check` says what is wrong')
  const get = <T>(path: string) => transport.request<T>({ method: 'GET', path })
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`
  const lease = await get<Lease>(`${leases}/${ELECTION_LEASE}`).catch(error => {
    if (isNotFound(error)) throw unavailable(`no lease service has led in namespace ${namespace}; see \`check\``)
    throw explained(error, `the Lease ${ELECTION_LEASE}`)
  })
  const name = lease.spec?.holderIdentity?.split('_')[0]
  if (!name) throw unavailable(`${NO_LEADER}; try again`)
  const pod = await get<Pod>(
    `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`,
  ).catch(error => {
    if (isNotFound(error)) throw unavailable(`${NO_LEADER} (pod ${name}, which led, is gone); try again`)
    throw explained(error, `pod ${name}, which leads`)
  })
  const port = containerPort(pod, STATE_PORT_NAME)
  if (port === undefined) throw unavailable(tooOld(versionOf(pod)))
  return { namespace, pod: name, port, serverName: `startgate-lease-service.${namespace}.svc`, caPem }
}

export function tooOld(version: string | undefined): string {
  return `startgate in this cluster${version ? ` (${version})` : ''} has no state API; upgrade it`
}

function versionOf({ metadata }: Pod): string | undefined {
  return metadata.labels?.['app.kubernetes.io/version']
}

const VIEWER = 'startgate-viewer'
/** The least that the API server grants. */
const TOKEN_SECONDS = 600

/**
 * The token that the state API is shown: a short one of the ServiceAccount startgate-viewer, which is good for nothing
 * else. That of the kubeconfig, with which whoever sees it can do what its owner can, only for who may not create one,
 * and, with a warning, where there is no such account. Throws Failure where there is neither, and when else it fails.
 */
export async function stateToken(
  cluster: Pick<UserCluster, 'transport' | 'bearerToken'>,
  namespace: string,
  warn: (sentence: string) => void,
): Promise<string> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${VIEWER}/token`
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: TOKEN_SECONDS },
  }
  try {
    const { status } = await cluster.transport.request<{ status: { token: string } }>({ method: 'POST', path, body })
    return status.token
  } catch (error) {
    const isForbidden = error instanceof KubeError && error.status === 403
    if (!isForbidden && !isNotFound(error)) throw explained(error, `a token of ServiceAccount ${VIEWER}`)
    const own = await cluster.bearerToken()
    if (own === undefined) throw tokenFailure(error, namespace)
    if (!isForbidden)
      warn(
        `namespace ${namespace} has no ServiceAccount ${VIEWER} (chart value viewer.enabled), so the lease service is shown the kubeconfig's own token`,
      )
    return own
  }
}

function tokenFailure(error: unknown, namespace: string): Error {
  if (isNotFound(error))
    return unavailable(
      `the kubeconfig has no token, and namespace ${namespace} has no ServiceAccount ${VIEWER} (chart value viewer.enabled)`,
    )
  return unavailable(
    `the kubeconfig has no token, and you may not create one of ServiceAccount ${VIEWER}; ask for create serviceaccounts/token in ${namespace}`,
  )
}
