import type { ClusterConfig } from '../../core/cluster-config.ts'
import type { Pod } from '../../core/pod.ts'
import type { RecentRelease } from '../../core/state-rows.ts'
import type { LimitFacts } from '../../gate/lease-service/limits/scope.ts'
import { type Injected, injected } from '../lint/inject.ts'
import type { FoundObject, Objects, Place } from '../manifest/objects.ts'
import { POD_KINDS } from '../manifest/pod-template.ts'
import { unusable } from '../model/failure.ts'
import type { PlannedPod } from './model.ts'
import { recordedMs } from './recorded.ts'
import { isOrdered, replicasOf } from './replicas.ts'
import { type PlanNode, spreadOver } from './spread.ts'
import { type StartTimes, startTimesOf, type TimeSource } from './start-times.ts'

/** Pods of one plan. */
const MOST_PODS = 10_000

/** An object that makes pods, and what becomes of them. */
export interface HerdWorkload extends Pick<Place, 'file' | 'line'> {
  kind: string
  namespace: string
  name: string
  outcome: Injected['outcome']
  pods: number
  /** Of one pod. */
  containers: number
  /** Of its slowest container, ms. */
  startMs?: number
  source?: TimeSource
}

export interface Herd {
  workloads: HerdWorkload[]
  /** The gated ones. */
  pods: PlannedPod[]
}

export interface HerdOptions {
  config: ClusterConfig
  /** Of objects that name none. */
  namespace: string
  facts: LimitFacts
  nodes: readonly PlanNode[]
  releases: readonly RecentRelease[]
  /** From --start-seconds. */
  givenMs: number | undefined
}

interface Part {
  workload: number
  namespace: string
  pod: Pod
  times: StartTimes
}

/**
 * The pods that these objects make, as the webhook would gate them, on their nodes. Of each workload one after another
 * is created. Throws Failure for more than MOST_PODS.
 */
export function herdOf(objects: Objects, options: HerdOptions): Herd {
  const workloads: HerdWorkload[] = []
  const parts: Part[] = []
  const ordered = new Set<number>()
  const makers = objects.found.filter(({ kind }) => POD_KINDS.includes(kind))
  for (const [at, one] of injected(objects, options).entries()) {
    // The same objects in the same order.
    const found = makers[at]
    if (!found) continue
    const namespace = found.namespace ?? options.namespace
    const workload = { ...workloadOf(one, found, options), namespace }
    const pod = one.outcome === 'gated' ? (one.pod as Pod) : undefined
    if (pod) {
      const known = { recordedMs: recordedMs(options.releases, workload), givenMs: options.givenMs }
      const times = startTimesOf(pod, known, options.facts)
      const containers = times.stages.reduce((sum, stage) => sum + stage.containers.length, 0)
      Object.assign(workload, { containers, startMs: times.startMs, source: times.source })
      if (isOrdered(found)) ordered.add(workloads.length)
      parts.push({ workload: workloads.length, namespace, pod, times })
    }
    workloads.push(workload)
  }
  checkSize(workloads)
  return { workloads, pods: podsOf(parts, { workloads, ordered }, options) }
}

function workloadOf({ kind, name, outcome, file, line, pod }: Injected, found: FoundObject, { nodes }: HerdOptions) {
  const { containers = [] } = ((pod as Pod | undefined)?.spec ?? {}) as Partial<Pod['spec']>
  const pods = replicasOf(found, nodes.length)
  return { kind, name, outcome, file, line, pods, containers: Array.isArray(containers) ? containers.length : 0 }
}

function checkSize(workloads: readonly HerdWorkload[]): void {
  const pods = workloads.reduce((sum, workload) => sum + workload.pods, 0)
  if (pods > MOST_PODS)
    throw unusable(`the files make ${pods} pods; use at most ${MOST_PODS} at a time (fewer files, or fewer replicas)`)
}

/** The first pod of each workload, then the second of each …: controllers work beside each other. */
function podsOf(
  parts: readonly Part[],
  { workloads, ordered }: { workloads: readonly HerdWorkload[]; ordered: ReadonlySet<number> },
  options: HerdOptions,
): PlannedPod[] {
  const nextNode = spreadOver(options.nodes)
  const most = parts.reduce((count, { workload }) => Math.max(count, workloads[workload]?.pods ?? 0), 0)
  const pods: PlannedPod[] = []
  const lastOf = new Map<number, number>()
  for (let replica = 0; replica < most; replica += 1)
    for (const { workload, namespace, pod, times } of parts) {
      const { kind, pods: count = 0 } = workloads[workload] ?? {}
      if (replica >= count) continue
      const nodeName = kind === 'DaemonSet' ? (options.nodes[replica]?.name ?? '') : nextNode()
      pods.push({
        uid: String(pods.length).padStart(5, '0'),
        workload,
        namespace,
        nodeName,
        priority: pod.spec.priority ?? 0,
        stages: times.stages,
        after: ordered.has(workload) ? lastOf.get(workload) : undefined,
        isObserved: options.facts.namespaces.get(namespace)?.mode === 'observe',
      })
      lastOf.set(workload, pods.length - 1)
    }
  return pods
}
