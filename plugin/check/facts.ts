import type { ClusterConfig } from '../../core/cluster-config.ts'
import type { LeaseSpec } from '../../core/kube/lease.ts'
import type { Namespace, ObjectMeta, Pod } from '../../core/pod.ts'
import type { Fact } from '../cluster/facts.ts'
import type { WebhookConfiguration } from '../cluster/installation.ts'

/** All that `check` judges. Fields of objects are those that are read. */
export interface CheckFacts {
  /** By the clock of who asks, ms since the epoch. */
  nowMs: number
  pluginVersion: string
  api: Fact<ApiFacts>
  /** Where startgate is, or would be looked for. */
  startgateNamespace: string
  /** What whoever asks may not do of what this check asks for; `list pods in startgate-system`. */
  missingRights: string[]
  webhook: Fact<WebhookConfiguration>
  programs: Record<ProgramName, ProgramFacts>
  config: Fact<ClusterConfig>
  /** Where gates wait through the waiters of their nodes. */
  waiters?: WaiterFacts
  leader: Fact<LeaderFacts>
  /** startgate's own, whose annotation freezes the cluster. */
  ownNamespace: Fact<Namespace>
  /** With the label startgate.dev/injection, of whatever value. */
  namespaces: Fact<Namespace[]>
  /** In all namespaces that are opted in. */
  policies: Fact<NetworkPolicy[]>
  /** Gated pods in the phase Pending, the first of them. */
  pendingPods: Fact<Pod[]>
  /** Whether a pod that was only tried (dry run) came back with gates. Absent where no namespace is opted in. */
  trial?: Fact<TrialFacts>
}

export interface ApiFacts {
  /** As in /version: `v1.31.2`, and numbers, of which clouds write `31+`. */
  gitVersion: string
  major: string
  minor: string
}

export const PROGRAMS = ['webhook', 'lease-service'] as const
export type ProgramName = (typeof PROGRAMS)[number]

export interface ProgramFacts {
  deployment: Fact<Deployment>
  /** Of its Service; all slices together. */
  endpoints: Fact<Endpoint[]>
  pods: Fact<Pod[]>
  /** What one of its replicas shows on its TLS port. */
  certificate: Fact<ServedCertificate>
}

export interface Deployment {
  metadata: ObjectMeta
  spec?: { replicas?: number; template?: { spec?: { containers?: { name: string; image?: string }[] } } }
  status?: { availableReplicas?: number; updatedReplicas?: number }
}

export interface WaiterFacts {
  daemonSet: Fact<WaiterDaemonSet>
  /** Of the nodes' waiters, the first of them. */
  pods: Fact<Pod[]>
  /** The latest reasons why the API server took no pod of the DaemonSet, as its Events have them. */
  refusals: Fact<string[]>
}

export interface WaiterDaemonSet {
  status?: { desiredNumberScheduled?: number; currentNumberScheduled?: number; numberAvailable?: number }
}

export interface Endpoint {
  addresses: string[]
  conditions?: { ready?: boolean }
}

export interface ServedCertificate {
  notAfterMs: number
  /** Why the webhook configuration's caBundle does not verify it for its name; undefined when it does. */
  problem?: string
}

/** The election Lease, and the API server's clock (its Date header, whole seconds) when it was read. */
export interface LeaderFacts {
  spec: LeaseSpec
  serverMs: number
  /** Whether it was seen to change; undefined where it was young enough at the first look. */
  renewed?: boolean
}

export interface NetworkPolicy {
  metadata: ObjectMeta
  spec?: {
    podSelector?: LabelSelector
    policyTypes?: string[]
    egress?: EgressRule[]
  }
}

export interface EgressRule {
  to?: Peer[]
  ports?: { protocol?: string; port?: number | string; endPort?: number }[]
}

export interface Peer {
  namespaceSelector?: LabelSelector
  podSelector?: LabelSelector
  ipBlock?: { cidr: string; except?: string[] }
}

export interface LabelSelector {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

export interface TrialFacts {
  namespace: string
  gated: boolean
  warnings: string[]
}
