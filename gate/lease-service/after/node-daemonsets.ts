import { MOST_NODE_DAEMONSETS } from '../../../core/after.ts'
import type { Clock } from '../../../core/clock.ts'
import { createListWatch, type ListWatch, type ListWatchOptions } from '../../../core/kube/list-watch.ts'
import type { Logger } from '../../../core/log.ts'
import {
  type DaemonSetPod,
  isReady,
  nodeOf,
  projectDaemonSetPod,
  readyOnNodes,
  selectorText,
} from './daemonset-pods.ts'
import { countedFor, roomFor, type WatchOf } from './watch-shares.ts'
import type { Workload, WorkloadObservation } from './workload-readiness.ts'

/** What a watch is made of. */
export interface WatchDeps {
  client: ListWatchOptions<Workload>['client']
  onChange: () => void
  clock: Clock
  random: () => number
  log: Logger
}

export interface NodeDaemonSetsDeps extends WatchDeps {
  /** The DaemonSet itself, without its pods. */
  findDaemonSet: (namespace: string, name: string) => WorkloadObservation
  /** Whether the chart's values name it: these are always watched, and count for nothing. */
  isOfAll: (namespace: string, name: string) => boolean
  /** After it has not been asked for this long, a DaemonSet's pods are watched no more. */
  unusedAfterMs: number
}

interface Kept {
  isOfAll: boolean
  /** The namespace of pods that it counts for. */
  by: string
  usedAtMs: number
  pods: DaemonSetPods | undefined
}

/**
 * DaemonSets with what is known of their pods on each node: one watch on pods each, from when it is first asked for. Of
 * those that only pods name, MOST_NODE_DAEMONSETS at a time: whoever may create a pod makes us watch what it names. No
 * namespace's pods can keep another's from theirs (watch-shares.ts).
 */
export class NodeDaemonSets {
  readonly #deps: NodeDaemonSetsDeps
  /** By `namespace/name`. */
  readonly #kept = new Map<string, Kept>()

  constructor(deps: NodeDaemonSetsDeps) {
    this.#deps = deps
  }

  /** `by`: the namespace of the pod that names it. */
  find(namespace: string, name: string, by: string): WorkloadObservation {
    const kept = this.#keep(namespace, name, by)
    if (!kept) return 'Unwatched'
    const daemonSet = this.#deps.findDaemonSet(namespace, name)
    if (typeof daemonSet === 'string') return daemonSet
    const { uid = '' } = daemonSet.metadata
    if (kept.pods?.uid !== uid) {
      kept.pods?.stop()
      kept.pods = new DaemonSetPods(daemonSet, this.#deps)
    }
    return kept.pods.seenWith(daemonSet)
  }

  prune(): void {
    const { clock, unusedAfterMs } = this.#deps
    for (const [key, { usedAtMs, pods }] of this.#kept) {
      if (clock.monotonicMs() - usedAtMs < unusedAfterMs) continue
      this.#kept.delete(key)
      pods?.stop()
    }
  }

  #keep(namespace: string, name: string, by: string): Kept | undefined {
    const { clock, isOfAll } = this.#deps
    const key = `${namespace}/${name}`
    const usedAtMs = clock.monotonicMs()
    let kept = this.#kept.get(key)
    if (!kept) {
      kept = { isOfAll: isOfAll(namespace, name), by, usedAtMs, pods: undefined }
      if (!kept.isOfAll && !this.#makeRoom(by)) return undefined
      this.#kept.set(key, kept)
    } else if (kept.by !== by) kept.by = countedFor(kept.by, by, this.#ofPods())
    kept.usedAtMs = usedAtMs
    return kept
  }

  #ofPods(): WatchOf[] {
    return [...this.#kept].flatMap(([key, { isOfAll, by }]) => (isOfAll ? [] : [{ key, by }]))
  }

  /** False where there is none, and none that may be taken from another namespace. */
  #makeRoom(by: string): boolean {
    const { isRoom, goes } = roomFor(by, this.#ofPods(), MOST_NODE_DAEMONSETS)
    if (goes === undefined) return isRoom
    this.#kept.get(goes)?.pods?.stop()
    this.#kept.delete(goes)
    return isRoom
  }
}

/** The pods of one DaemonSet. Its selector never changes, so one of another uid is another one. */
class DaemonSetPods {
  readonly uid: string
  readonly #watch: ListWatch<DaemonSetPod>
  /** Of the last look; none since a change. */
  #seen: (Workload & { readyOnNodes: ReadonlyMap<string, boolean> }) | undefined
  #of: Workload | undefined

  constructor({ metadata, spec }: Workload, { client, clock, random, log, onChange }: NodeDaemonSetsDeps) {
    this.uid = metadata.uid ?? ''
    const changed = (): void => {
      this.#seen = undefined
      onChange()
    }
    this.#watch = createListWatch<DaemonSetPod>({
      ...{ client, clock, random, log },
      path: `/api/v1/namespaces/${encodeURIComponent(metadata.namespace ?? '')}/pods`,
      labelSelector: selectorText(spec?.selector ?? {}),
      project: projectDaemonSetPod,
      onChange: (pod, before) => {
        if (!before || isReady(before) !== isReady(pod) || nodeOf(before) !== nodeOf(pod)) changed()
      },
      onDelete: changed,
      onSynced: changed,
    })
    this.#watch.start()
  }

  seenWith(daemonSet: Workload): WorkloadObservation {
    if (!this.#watch.hasSynced()) return 'Unknown'
    if (!this.#seen || this.#of !== daemonSet) {
      const nodes = this.#seen?.readyOnNodes ?? readyOnNodes(this.#watch.values(), this.uid)
      this.#of = daemonSet
      this.#seen = { ...daemonSet, readyOnNodes: nodes }
    }
    return this.#seen
  }

  stop(): void {
    void this.#watch.stop()
  }
}
