import { messageOf } from '../../core/errors.ts'
import { KubeError } from '../../core/kube/kube-error.ts'
import { listAll } from '../../core/kube/list.ts'
import type { UserCluster } from '../../core/kube/user-cluster.ts'
import type { Pod } from '../../core/pod.ts'
import { absent, type Fact, fact, known, notKnown } from '../cluster/facts.ts'
import type { Installation } from '../cluster/installation.ts'
import { containerPort } from '../cluster/pod-port.ts'
import { tlsThroughPod } from '../cluster/tls-through-pod.ts'
import type { Deployment, Endpoint, ProgramFacts, ProgramName, ServedCertificate } from './facts.ts'

export const NO_PROGRAM: ProgramFacts = { deployment: absent, endpoints: absent, pods: absent, certificate: absent }

interface Context {
  cluster: UserCluster
  installation: Installation
}

/** What is there of one program. */
export async function gatherProgram(name: ProgramName, context: Context): Promise<ProgramFacts> {
  const { transport } = context.cluster
  const namespace = encodeURIComponent(context.installation.namespace)
  const get = <T>(path: string) => transport.request<T>({ method: 'GET', path })
  const list = async <T>(path: string, labelSelector: string) =>
    (await listAll<T>(transport, path, { labelSelector })).items
  const [deployment, endpoints, pods] = await Promise.all([
    fact(() => get<Deployment>(`/apis/apps/v1/namespaces/${namespace}/deployments/startgate-${name}`)),
    fact(async () => {
      const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`
      const slices = await list<{ endpoints?: Endpoint[] | null }>(path, `kubernetes.io/service-name=startgate-${name}`)
      return slices.flatMap(slice => slice.endpoints ?? [])
    }),
    fact(() =>
      list<Pod>(
        `/api/v1/namespaces/${namespace}/pods`,
        `app.kubernetes.io/name=startgate,app.kubernetes.io/component=${name}`,
      ),
    ),
  ])
  return { deployment, endpoints, pods, certificate: await servedCertificate(name, pods, context) }
}

/** Of one replica that runs. */
async function servedCertificate(
  name: ProgramName,
  pods: Fact<Pod[]>,
  { cluster, installation: { namespace, caPem } }: Context,
): Promise<Fact<ServedCertificate>> {
  if (pods.kind !== 'known') return pods
  const pod = pods.value.find(({ status }) => status?.containerStatuses?.every(({ ready }) => ready))
  const port = pod && containerPort(pod, 'https')
  if (!pod || port === undefined || caPem === undefined) return absent
  const target = {
    namespace,
    pod: pod.metadata.name ?? '',
    port,
    serverName: `startgate-${name}.${namespace}.svc`,
    caPem,
  }
  try {
    const socket = await tlsThroughPod(cluster, target, { verify: false })
    const { valid_to: validTo } = socket.getPeerCertificate()
    const problem = socket.authorized ? undefined : String(socket.authorizationError)
    socket.destroy()
    return known({ notAfterMs: Date.parse(validTo), ...(problem !== undefined && { problem }) })
  } catch (error) {
    return notKnown(messageOf(error), error instanceof KubeError && error.status === 403)
  }
}
