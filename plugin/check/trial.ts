import { parseNamespaceAnnotations } from '../../core/annotations.ts'
import type { ClusterConfig } from '../../core/cluster-config.ts'
import type { ApiTransport } from '../../core/kube/transport.ts'
import { OWN_PREFIX } from '../../core/names.ts'
import type { Namespace, Pod } from '../../core/pod.ts'
import { type Fact, fact } from '../cluster/facts.ts'
import type { TrialFacts } from './facts.ts'
import { optedIn } from './judge-namespaces.ts'

/** A pod that every Pod Security level admits, and most quotas. */
const TRIAL_POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'startgate-check-' },
  spec: {
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'check',
        image: 'startgate.invalid/check',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        resources: { requests: { cpu: '10m', memory: '128Mi' }, limits: { cpu: '100m', memory: '128Mi' } },
      },
    ],
  },
}

/**
 * Creates a pod in an opted-in namespace by dry run: the API server asks the webhook, as for any pod, and stores
 * nothing. Undefined where there is no namespace in which it would be gated.
 */
export async function tryPod(
  transport: ApiTransport,
  { namespaces, config }: { namespaces: Fact<Namespace[]>; config: Fact<ClusterConfig> },
): Promise<Fact<TrialFacts> | undefined> {
  const namespace = namespaces.kind === 'known' ? trialNamespace(namespaces.value, config) : undefined
  if (namespace === undefined) return undefined
  let warnings: string[] = []
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`
  const result = await fact(() =>
    transport.request<Pod>({
      method: 'POST',
      path,
      query: { dryRun: 'All' },
      body: TRIAL_POD,
      onHeaders: ({ warning }) => {
        // Node joins several headers of one name: 299 - "text", 299 - "text".
        warnings = [...String(warning ?? '').matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text)
      },
    }),
  )
  if (result.kind !== 'known') return result.kind === 'absent' ? undefined : result
  const gated = (result.value.spec.initContainers ?? []).some(({ name }) => name.startsWith(OWN_PREFIX))
  return { kind: 'known', value: { namespace, gated, warnings } }
}

function trialNamespace(namespaces: readonly Namespace[], config: Fact<ClusterConfig>): string | undefined {
  const skipped = config.kind === 'known' ? config.value.skippedNamespaces : []
  const usable = optedIn(namespaces).filter(
    ({ metadata }) =>
      !metadata.deletionTimestamp &&
      !metadata.name?.startsWith('kube-') &&
      !skipped.includes(metadata.name ?? '') &&
      parseNamespaceAnnotations(metadata.annotations).settings.mode !== 'off',
  )
  return usable[0]?.metadata.name
}
