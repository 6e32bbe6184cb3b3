import { type AfterKind, type AfterTarget, afterTargetName } from '../../../core/after.ts'
import { createListWatch, type ListWatch } from '../../../core/kube/list-watch.ts'
import type { FindWorkload } from './after-waits.ts'
import { NodeDaemonSets, type WatchDeps } from './node-daemonsets.ts'
import { projectWorkload } from './project-workload.ts'
import { SERVICE_NAME, type Workload, type WorkloadObservation } from './workload-readiness.ts'

/** What is watched by kind and namespace. */
type WatchedKind = Exclude<AfterKind, 'node-daemonset'>

const PATHS: Record<WatchedKind, (namespace: string) => string> = {
  deployment: namespace => `/apis/apps/v1/namespaces/${namespace}/deployments`,
  statefulset: namespace => `/apis/apps/v1/namespaces/${namespace}/statefulsets`,
  daemonset: namespace => `/apis/apps/v1/namespaces/${namespace}/daemonsets`,
  pod: namespace => `/api/v1/namespaces/${namespace}/pods`,
  job: namespace => `/apis/batch/v1/namespaces/${namespace}/jobs`,
  service: namespace => `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
}

/** A watch that nobody asked for this long is ended: most namespaces start only now and then. */
const UNUSED_AFTER_MS = 300_000

interface Kept {
  watch: ListWatch<Workload>
  usedAtMs: number
}

/**
 * Live copies of the workloads that waiting pods come after: one watch a kind and namespace, from when it is first
 * asked for, and one on the pods of each DaemonSet that is waited for on its nodes.
 */
export class Workloads {
  readonly #deps: WatchDeps
  readonly #kept = new Map<string, Kept>()
  readonly #onNodes: NodeDaemonSets

  /** `ofAll`: DaemonSets that the chart's values name. */
  constructor(deps: WatchDeps, ofAll: readonly AfterTarget[] = []) {
    this.#deps = deps
    const names = new Set(ofAll.map(afterTargetName))
    this.#onNodes = new NodeDaemonSets({
      ...deps,
      findDaemonSet: (namespace, name) => this.find('daemonset', namespace, name),
      isOfAll: (namespace, name) => names.has(afterTargetName({ kind: 'node-daemonset', namespace, name })),
      unusedAfterMs: UNUSED_AFTER_MS,
    })
  }

  find: FindWorkload = (kind, namespace, name, by = namespace) => {
    if (kind === 'node-daemonset') return this.#onNodes.find(namespace, name, by)
    const { watch } = this.#keep(kind, namespace)
    if (!watch.hasSynced()) return 'Unknown'
    return kind === 'service'
      ? serviceOf(watch.list(), namespace, name)
      : (watch.get(`${namespace}/${name}`) ?? 'Absent')
  }

  /** Ends the watches that nobody asks for any more. To be called now and then. */
  prune(): void {
    this.#onNodes.prune()
    const nowMs = this.#deps.clock.monotonicMs()
    for (const [path, { watch, usedAtMs }] of this.#kept) {
      if (nowMs - usedAtMs < UNUSED_AFTER_MS) continue
      this.#kept.delete(path)
      void watch.stop()
    }
  }

  #keep(kind: WatchedKind, namespace: string): Kept {
    const { onChange, ...deps } = this.#deps
    const path = PATHS[kind](encodeURIComponent(namespace))
    const nowMs = deps.clock.monotonicMs()
    let kept = this.#kept.get(path)
    if (!kept) {
      const told = { onChange, onDelete: onChange, onSynced: onChange }
      const watch = createListWatch<Workload>({ ...deps, path, project: projectWorkload, ...told })
      kept = { watch, usedAtMs: nowMs }
      this.#kept.set(path, kept)
      watch.start()
    }
    kept.usedAtMs = nowMs
    return kept
  }
}

/** A Service is known by its slices alone; one without any has no endpoints, or does not exist. */
function serviceOf(slices: Workload[], namespace: string, name: string): WorkloadObservation {
  const own = slices.filter(({ metadata }) => metadata.labels?.[SERVICE_NAME] === name)
  if (own.length === 0) return 'Absent'
  return { metadata: { name, namespace, ...serviceUid(own) }, endpoints: own.flatMap(slice => slice.endpoints ?? []) }
}

function serviceUid(slices: Workload[]): { uid?: string } {
  const owner = slices.flatMap(({ metadata }) => metadata.ownerReferences ?? []).find(({ kind }) => kind === 'Service')
  return owner ? { uid: owner.uid } : {}
}
