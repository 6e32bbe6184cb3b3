import { type AfterTarget, afterTargetName, MOST_NODE_DAEMONSETS } from '../../../core/after.ts'
import { isConditionTrue } from '../../../core/condition.ts'
import type { ObjectMeta } from '../../../core/pod.ts'
import type { LabelSelector } from './daemonset-pods.ts'

/** The label by which a slice of endpoints (discovery.k8s.io/v1) names its Service. */
export const SERVICE_NAME = 'kubernetes.io/service-name'

/** What is read of a workload, whatever its kind; fields named as in the API. */
export interface Workload {
  metadata: ObjectMeta & { generation?: number }
  spec?: { replicas?: number; suspend?: boolean; selector?: LabelSelector }
  status?: {
    observedGeneration?: number
    replicas?: number
    readyReplicas?: number
    availableReplicas?: number
    desiredNumberScheduled?: number
    numberAvailable?: number
    numberMisscheduled?: number
    conditions?: { type: string; status: string }[]
  }
  /** Of a slice of a Service's endpoints, and of a Service: those of all its slices. */
  endpoints?: Endpoint[]
  /** Of a DaemonSet that pods wait for on their nodes: the nodes that have its pod, and whether that is Ready. */
  readyOnNodes?: ReadonlyMap<string, boolean>
}

/** As in discovery.k8s.io/v1: `ready` not given means ready. */
export interface Endpoint {
  conditions?: { ready?: boolean }
  targetRef?: { kind?: string; name?: string }
}

/**
 * `Unknown`: nothing could be read yet, so nothing is decided. `Unwatched`: it is not read, since as many others are as
 * may be.
 */
export type WorkloadObservation = Workload | 'Absent' | 'Unknown' | 'Unwatched'

/** The pod that waits. */
export interface Asker {
  hasRunBefore: boolean
  nodeName: string
  isSibling: (podName: string) => boolean
}

/** Why a target keeps a pod waiting, in words; undefined when it is ready. */
export function afterObstacle(target: AfterTarget, observed: WorkloadObservation, pod: Asker): string | undefined {
  const name = afterTargetName(target)
  if (observed === 'Unwatched') return `${name} is not watched, as ${MOST_NODE_DAEMONSETS} others are`
  if (observed === 'Unknown') return `${name} cannot be read yet`
  // On a re-run it was there once: a Job goes by its TTL, and a removed workload must not keep a rebooted node's pods.
  if (observed === 'Absent' && pod.hasRunBefore) return undefined
  if (observed === 'Absent') return `${name} ${target.kind === 'service' ? 'has no endpoints' : 'does not exist'}`
  if (observed.metadata.deletionTimestamp) return `${name} is being deleted`
  const lack = lackOf(target, observed, pod)
  return lack && `${name} ${lack}`
}

function lackOf({ kind }: AfterTarget, workload: Workload, { isSibling, nodeName }: Asker): string | undefined {
  switch (kind) {
    case 'deployment':
      return outdated(workload) ?? deploymentLack(workload)
    case 'statefulset': {
      const { spec, status } = workload
      return outdated(workload) ?? counted(status?.availableReplicas ?? status?.readyReplicas ?? 0, spec?.replicas ?? 1)
    }
    case 'daemonset': {
      const { desiredNumberScheduled = 0, numberAvailable = 0 } = workload.status ?? {}
      return outdated(workload) ?? counted(numberAvailable, desiredNumberScheduled)
    }
    case 'pod':
      return holds(workload, 'Ready') ? undefined : 'is not ready'
    case 'job':
      return jobLack(workload)
    case 'service':
      return serviceLack(workload.endpoints ?? [], isSibling)
    case 'node-daemonset':
      return nodeLack(workload, nodeName)
  }
}

/**
 * Until the controller has seen the latest spec, its status is about another one: 0 replicas were available at once.
 */
function outdated({ metadata, status }: Workload): string | undefined {
  return (status?.observedGeneration ?? 0) < (metadata.generation ?? 0)
    ? 'has a new spec that its controller has not seen yet'
    : undefined
}

/**
 * Available stays true through a rollout, as the old pods serve on; it is true of zero replicas too, which do not
 * count.
 */
function deploymentLack(workload: Workload): string | undefined {
  const wanted = workload.spec?.replicas ?? 1
  const available = workload.status?.availableReplicas ?? 0
  if (wanted > 0 && available > 0 && holds(workload, 'Available')) return undefined
  return counted(Math.min(available, wanted), wanted) ?? 'is not Available'
}

/**
 * A node without a pod of the DaemonSet is one that it leaves out when as many others have one as it wants: who would
 * go by selectors, affinities and taints would decide anew what the DaemonSet controller has decided.
 */
function nodeLack(workload: Workload, nodeName: string): string | undefined {
  const { readyOnNodes: nodes, status = {} } = workload
  const isReady = nodes?.get(nodeName)
  if (isReady !== undefined) return isReady ? undefined : `is not ready on node ${nodeName}`
  const { desiredNumberScheduled = 0, numberMisscheduled = 0 } = status
  const isElsewhere = (nodes?.size ?? 0) - numberMisscheduled >= desiredNumberScheduled
  return outdated(workload) ?? (isElsewhere ? undefined : `has no pod on node ${nodeName} yet`)
}

function counted(available: number, wanted: number): string | undefined {
  if (wanted === 0) return 'has zero replicas'
  return available >= wanted ? undefined : `has ${available} of ${wanted} replicas available`
}

function jobLack(workload: Workload): string | undefined {
  if (holds(workload, 'Complete')) return undefined
  if (holds(workload, 'Failed')) return 'has failed'
  return workload.spec?.suspend ? 'is suspended' : 'is not complete'
}

/** Endpoints of the waiting pod's own owner do not count: they are what waits. */
function serviceLack(endpoints: Endpoint[], isSibling: (podName: string) => boolean): string | undefined {
  const ready = endpoints.filter(endpoint => endpoint.conditions?.ready !== false)
  const others = ready.filter(({ targetRef }) => targetRef?.kind !== 'Pod' || !isSibling(targetRef.name ?? ''))
  if (others.length > 0) return undefined
  return ready.length > 0 ? "has no ready endpoints but this workload's own" : 'has no ready endpoints'
}

function holds({ status }: Workload, type: string): boolean {
  return isConditionTrue(status?.conditions, type)
}
