import type { Pod } from '../../core/pod.ts'
import type { InjectSettings, NamespaceFacts } from '../cluster/settings.ts'
import type { MutateFacts } from '../mutate/mutate.ts'

/** For tests: an installation, and a namespace that is opted in and has no limits of its own. */
export const SETTINGS: InjectSettings = {
  image: 'registry.example/startgate:v1',
  imagePullPolicy: 'IfNotPresent',
  ownNamespace: 'startgate-system',
  skippedNamespaces: ['kube-system', 'cni'],
  allowOptOut: true,
  address: '10.96.0.20:8443',
  serverName: 'startgate.startgate-system.svc',
  ca: 'PEM of the CA\n',
  failOpenAfterMs: 60_000,
  failOpenJitterMs: 300_000,
  startTimeoutMs: 120_000,
  maxStartTimeoutMs: 600_000,
  runAsUser: 65532,
}

export const NAMESPACE: NamespaceFacts = {
  labels: { 'startgate.dev/injection': 'enabled' },
  settings: {},
  hasLimitRange: false,
  hasResourceQuota: false,
}

export const FACTS: MutateFacts = { settings: SETTINGS, namespace: NAMESPACE, everywhereFor: () => () => false }

export function podOf(spec: Partial<Pod['spec']> = {}, metadata: Pod['metadata'] = {}): Pod {
  return { metadata: { name: 'web', ...metadata }, spec: { containers: [{ name: 'web', image: 'nginx:1' }], ...spec } }
}

/** An AdmissionReview that creates this object; `changes` go over its request. */
export const reviewOf = (object: unknown, changes: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'u-1',
    operation: 'CREATE',
    resource: { group: '', version: 'v1', resource: 'pods' },
    namespace: 'shop',
    object,
    ...changes,
  },
})
