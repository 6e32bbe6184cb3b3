/**
 * What the observer reads of Kubernetes' objects. Its own few fields on purpose: the observer is the judge of startgate
 * and shares no code with it.
 */
export interface ObservedContainer {
  name: string
  image?: string
  /** `Always` on an init container makes it a native sidecar. */
  restartPolicy?: string
  startupProbe?: ObservedProbe
  readinessProbe?: ObservedProbe
}

export interface ObservedProbe {
  initialDelaySeconds?: number
  periodSeconds?: number
  failureThreshold?: number
}

export interface ObservedState {
  waiting?: { reason?: string; message?: string }
  running?: { startedAt?: string }
  terminated?: { exitCode: number; reason?: string; message?: string; startedAt?: string; finishedAt?: string }
}

export interface ObservedStatus {
  name: string
  ready: boolean
  started?: boolean
  restartCount: number
  containerID?: string
  state?: ObservedState
  lastState?: ObservedState
}

export interface ObservedPod {
  metadata: {
    name: string
    namespace: string
    uid: string
    resourceVersion: string
    creationTimestamp?: string
    deletionTimestamp?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  spec: { nodeName?: string; containers: ObservedContainer[]; initContainers?: ObservedContainer[] }
  status?: {
    phase?: string
    reason?: string
    conditions?: { type: string; status: string; reason?: string }[]
    containerStatuses?: ObservedStatus[]
    initContainerStatuses?: ObservedStatus[]
  }
}

export interface ObservedNode {
  metadata: { name: string; resourceVersion: string }
  status?: { conditions?: { type: string; status: string }[]; images?: { names?: string[] }[] }
}

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/**
 * One event of a watch. `receivedAtMs` is this machine's wall clock; the order of events is `resourceVersion` alone.
 */
interface Received {
  type: EventType
  /** A number since Kubernetes promises the order of resource versions (KEP-5504) across all resources of one etcd. */
  resourceVersion: number
  receivedAtMs: number
}
export type PodEvent = Received & { kind: 'pod'; pod: ObservedPod }
export type NodeEvent = Received & { kind: 'node'; node: ObservedNode }
export type ClusterEvent = PodEvent | NodeEvent

/** The events in the order in which they happened, whatever the order in which two watches delivered them. */
export function inOrder(events: ClusterEvent[]): ClusterEvent[] {
  return events.toSorted((a, b) => a.resourceVersion - b.resourceVersion || (a.kind < b.kind ? -1 : 1))
}
