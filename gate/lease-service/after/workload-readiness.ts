import { type AfterTarget, afterTargetName } from '../../../core/after.ts'
import type { ObjectMeta } from '../../../core/pod.ts'

/** What is read of a workload, whatever its kind; fields named as in the API. */
export interface Workload {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta & { generation?: number }
  spec?: { replicas?: number; suspend?: boolean }
  status?: {
    observedGeneration?: number
    replicas?: number
    readyReplicas?: number
    availableReplicas?: number
    desiredNumberScheduled?: number
    numberAvailable?: number
    conditions?: { type: string; status: string; reason?: string }[]
  }
  /** Of a Service: all its EndpointSlices' endpoints. */
  endpoints?: Endpoint[]
}

/** As in discovery.k8s.io/v1: `ready` not given means ready. */
export interface Endpoint {
  conditions?: { ready?: boolean }
  targetRef?: { kind?: string; name?: string }
}

/** `Unknown`: nothing could be read yet, so nothing is decided. */
export type WorkloadObservation = Workload | 'Absent' | 'Unknown'

/** Why a target keeps a pod waiting, in words; undefined when it is ready. */
export function afterObstacle(
  target: AfterTarget,
  observed: WorkloadObservation,
  pod: { hasRunBefore: boolean; isSibling: (podName: string) => boolean },
): string | undefined {
  const name = afterTargetName(target)
  if (observed === 'Unknown') return `${name} cannot be read yet`
  // On a re-run it was there once: a Job goes by its TTL, and a removed workload must not keep a rebooted node's pods.
  if (observed === 'Absent' && pod.hasRunBefore) return undefined
  if (observed === 'Absent') return `${name} ${target.kind === 'service' ? 'has no endpoints' : 'does not exist'}`
  if (observed.metadata.deletionTimestamp) return `${name} is being deleted`
  const lack = lackOf(target, observed, pod.isSibling)
  return lack && `${name} ${lack}`
}

function lackOf(
  { kind }: AfterTarget,
  workload: Workload,
  isSibling: (podName: string) => boolean,
): string | undefined {
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
  return (status?.conditions ?? []).some(c => c.type === type && c.status === 'True')
}
