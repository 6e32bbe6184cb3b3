import type { NamespaceSettings } from '../../core/annotations.ts'
import type { ClusterConfig } from '../../core/cluster-config.ts'
import type { LimitRangeItem } from './limit-range.ts'

/** What injection needs to know of this installation. */
export interface InjectSettings {
  /** Our own image, and how the kubelet gets it. */
  image: string
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
  ownNamespace: string
  skippedNamespaces: string[]
  /** Whether a pod's author may have it left alone, by a label. */
  allowOptOut: boolean
  /** `host:port` of the lease service's Service, by IP. */
  address: string
  /** Name in the lease service's certificate. */
  serverName: string
  /** PEM bundle the gates believe. */
  ca: string
  failOpenAfterMs: number
  failOpenJitterMs: number
  /** How long a container may be starting where nothing else says so, and the most that anything can say. */
  startTimeoutMs: number
  maxStartTimeoutMs: number
  /** null: the field is left out, where the cluster gives each namespace its own range (OpenShift). */
  runAsUser: number | null
  /** Where each node's waiter listens; absent: gates ask the lease service themselves. */
  waiterPort?: number
}

/** What is known of the pod's namespace. */
export interface NamespaceFacts {
  labels: Record<string, string>
  settings: NamespaceSettings
  /** Whether limits of the namespace's administrator judge each container, or the sum. */
  hasLimitRange: boolean
  hasResourceQuota: boolean
  /** What the LimitRanges say; absent while they are not known. */
  limitRanges?: LimitRangeItem[]
  /** What the ResourceQuotas count, like `limits.memory`; absent while they are not known: then it is everything. */
  quotaCounts?: readonly string[]
}

/** The settings, with what is only known at run time: where the lease service is and what it is verified by. */
export function injectSettings(config: ClusterConfig, found: { address: string; ca: string }): InjectSettings {
  return {
    ...found,
    image: config.image,
    imagePullPolicy: config.imagePullPolicy,
    ownNamespace: config.namespace,
    skippedNamespaces: config.skippedNamespaces,
    allowOptOut: config.webhook.allowOptOut,
    serverName: config.leaseService.serverName,
    failOpenAfterMs: config.failOpenAfterMs,
    failOpenJitterMs: config.failOpenJitterMs,
    startTimeoutMs: config.startTimeoutMs,
    maxStartTimeoutMs: config.maxStartTimeoutMs,
    runAsUser: config.runAsUser,
    ...(config.nodeWaiter && { waiterPort: config.nodeWaiter.port }),
  }
}
