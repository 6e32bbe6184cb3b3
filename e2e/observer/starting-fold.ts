import {
  type ClusterEvent,
  inOrder,
  type ObservedContainer,
  type ObservedPod,
  type ObservedStatus,
} from './cluster-events.ts'
import { ageLimit, pastStarting } from './container-age.ts'

/** Why a container stopped counting as starting. */
export type StartEnd =
  | 'started'
  | 'ready'
  | 'settled'
  | 'timeout'
  | 'terminated'
  | 'restarted'
  | 'deleting'
  | 'gone'
  | 'node-lost'

/** One start of one container, as the API server told it. */
export interface StartSpan {
  namespace: string
  pod: string
  uid: string
  container: string
  containerID: string
  node: string
  /** Not the container's first run in this pod: nobody can gate it (G2's counted exception). */
  restart: boolean
  fromVersion: number
  fromMs: number
  /** Absent while it is still starting; `fromMs` when its first status seen says that it is over. */
  toMs?: number
  endedBy?: StartEnd
}

export interface StartingPeak {
  count: number
  resourceVersion: number
  atMs: number
  /** `namespace/pod/container`, sorted. */
  containers: string[]
}

export interface StartingReport {
  peak: StartingPeak
  byNamespace: Record<string, StartingPeak>
  byNode: Record<string, StartingPeak>
  /** Keyed `namespace/node`. */
  byNamespaceAndNode: Record<string, StartingPeak>
  /** The count after each event that changed it. */
  timeline: { resourceVersion: number; atMs: number; count: number }[]
  spans: StartSpan[]
}

export interface StartingOptions {
  /** Which pods count; all when absent. */
  counts?: (pod: ObservedPod) => boolean
  /** The namespace's start timeout, for pods that name none. */
  startTimeoutMs?: number
  /** Up to when to let ages run after the last event. */
  untilMs?: number
}

interface Running {
  pod: ObservedPod
  container: ObservedContainer
  status: ObservedStatus & { containerID: string }
  startedAtMs: number
}

const NOBODY: StartingPeak = { count: 0, resourceVersion: 0, atMs: 0, containers: [] }

/**
 * Who was starting at each moment, by the design's definition (G2): an app container that runs, was never past starting
 * under this container ID, is younger than its start timeout, in a pod not being deleted, on a node not lost.
 *
 * Order is resourceVersion order. Ages are compared between the containers' own `startedAt`, so an event that reaches
 * us late moves nothing; those have whole seconds, so an end by age (settled, timeout) may be up to 1 s early.
 */
export function foldStarting(events: ClusterEvent[], options: StartingOptions = {}): StartingReport {
  const fold = new StartingFold(options)
  // Events of one version come from a list after a gap, where the order among them is unknown: ends go first there, so
  // that nobody is counted beside a start that waited for his end.
  for (const group of Map.groupBy(inOrder(events), e => e.resourceVersion).values()) {
    if (group.length > 1) for (const event of group) fold.end(event)
    for (const event of group) fold.apply(event)
  }
  return fold.report()
}

class StartingFold {
  readonly #options: StartingOptions
  readonly #pods = new Map<string, ObservedPod>()
  readonly #lostNodes = new Set<string>()
  /** Container IDs that once were past starting: later flips do not matter. */
  readonly #past = new Set<string>()
  readonly #seen = new Map<string, Set<string>>()
  readonly #open = new Map<string, { span: StartSpan; limit: { atMs: number; by: 'settled' | 'timeout' } }>()
  readonly #spans: StartSpan[] = []
  readonly #timeline: StartingReport['timeline'] = []
  readonly #peaks = { all: {}, namespace: {}, node: {}, both: {} } as Record<
    'all' | 'namespace' | 'node' | 'both',
    Record<string, StartingPeak>
  >
  /** The latest start any container named so far. */
  #clockMs = 0

  constructor(options: StartingOptions) {
    this.#options = options
  }

  apply(event: ClusterEvent): void {
    if (event.kind === 'node') {
      this.#applyNode(event)
      return
    }
    const { pod } = event
    if (this.#options.counts && !this.#options.counts(pod)) return
    if (event.type === 'DELETED') this.#pods.delete(pod.metadata.uid)
    else this.#pods.set(pod.metadata.uid, pod)
    this.#applyPod(event, pod, event.type === 'DELETED')
  }

  /** Only what this event ends. */
  end(event: ClusterEvent): void {
    if (event.kind === 'pod') this.#endPod(event, event.pod, event.type === 'DELETED')
  }

  #applyNode(event: ClusterEvent & { kind: 'node' }): void {
    const { name } = event.node.metadata
    const ready = event.node.status?.conditions?.find(c => c.type === 'Ready')
    // Unknown is the node controller's word for a node that it hears nothing of.
    if (event.type === 'DELETED' || ready?.status === 'Unknown') this.#lostNodes.add(name)
    else this.#lostNodes.delete(name)
    for (const pod of this.#pods.values()) if (pod.spec.nodeName === name) this.#applyPod(event, pod, false)
  }

  #applyPod(event: ClusterEvent, pod: ObservedPod, gone: boolean): void {
    const running = this.#endPod(event, pod, gone)
    // One after another by their own start, so that what had settled before the second began is not counted with it.
    for (const one of running.sort((a, b) => a.startedAtMs - b.startedAtMs)) this.#start(event, one)
    this.#mark(event)
  }

  /** Closes what is over; returns what runs. */
  #endPod(event: ClusterEvent, pod: ObservedPod, gone: boolean): Running[] {
    const blocker = this.#blocker(pod, gone)
    const running = blocker ? [] : runningContainers(pod)
    const runningIds = new Set(running.map(r => r.status.containerID))
    for (const [id, { span }] of this.#open) {
      if (span.uid !== pod.metadata.uid || runningIds.has(id)) continue
      const replaced = running.some(r => r.container.name === span.container)
      this.#close(id, blocker ?? (replaced ? 'restarted' : 'terminated'), event.receivedAtMs)
    }
    for (const one of running) {
      const end = pastStarting(one.container, one.status)
      if (end) this.#close(one.status.containerID, end, event.receivedAtMs)
      if (end) this.#past.add(one.status.containerID)
    }
    return running
  }

  #blocker(pod: ObservedPod, gone: boolean): StartEnd | undefined {
    if (gone) return 'gone'
    if (pod.metadata.deletionTimestamp !== undefined) return 'deleting'
    return this.#lostNodes.has(pod.spec.nodeName ?? '') ? 'node-lost' : undefined
  }

  #start(event: ClusterEvent, one: Running): void {
    const { pod, container, status, startedAtMs } = one
    const id = status.containerID
    const name = `${pod.metadata.uid}/${container.name}`
    const runs = this.#seen.get(name) ?? new Set<string>()
    const isNew = !runs.has(id)
    this.#seen.set(name, runs.add(id))
    this.#clockMs = Math.max(this.#clockMs, startedAtMs)
    this.#expire(this.#clockMs)
    const limit = ageLimit(pod, container, startedAtMs, this.#options.startTimeoutMs)
    const isOver = this.#past.has(id) || limit.atMs <= this.#clockMs
    if (this.#open.has(id) || (isOver && !isNew)) return
    const span: StartSpan = {
      namespace: pod.metadata.namespace,
      pod: pod.metadata.name,
      uid: pod.metadata.uid,
      container: container.name,
      containerID: id,
      node: pod.spec.nodeName ?? '',
      restart: runs.size > 1 || status.restartCount > 0,
      fromVersion: event.resourceVersion,
      fromMs: event.receivedAtMs,
    }
    this.#spans.push(span)
    this.#open.set(id, { span, limit })
    // The kubelet may tell of a start and of its end in one status: nobody can have seen it starting.
    if (isOver) this.#close(id, pastStarting(container, status) ?? limit.by, event.receivedAtMs)
    else this.#mark(event)
  }

  #expire(nowMs: number): void {
    for (const [id, { limit }] of this.#open) {
      if (limit.atMs <= nowMs) this.#close(id, limit.by, limit.atMs)
    }
  }

  #close(id: string, endedBy: StartEnd, atMs: number): void {
    const open = this.#open.get(id)
    if (!open) return
    open.span.toMs = atMs
    open.span.endedBy = endedBy
    this.#open.delete(id)
  }

  #mark(event: ClusterEvent): void {
    const spans = [...this.#open.values()].map(o => o.span)
    const at = { resourceVersion: event.resourceVersion, atMs: event.receivedAtMs }
    if ((this.#timeline.at(-1)?.count ?? 0) !== spans.length) this.#timeline.push({ ...at, count: spans.length })
    const raise = (peaks: Record<string, StartingPeak>, key: (span: StartSpan) => string) => {
      for (const [name, group] of Map.groupBy(spans, key)) {
        if (group.length <= (peaks[name]?.count ?? 0)) continue
        const containers = group.map(s => `${s.namespace}/${s.pod}/${s.container}`).sort()
        peaks[name] = { count: group.length, ...at, containers }
      }
    }
    raise(this.#peaks.all, () => 'all')
    raise(this.#peaks.namespace, s => s.namespace)
    raise(this.#peaks.node, s => s.node)
    raise(this.#peaks.both, s => `${s.namespace}/${s.node}`)
  }

  report(): StartingReport {
    if (this.#options.untilMs !== undefined) this.#expire(this.#options.untilMs)
    const { all, namespace, node, both } = this.#peaks
    return {
      peak: all.all ?? NOBODY,
      byNamespace: namespace,
      byNode: node,
      byNamespaceAndNode: both,
      timeline: this.#timeline,
      spans: this.#spans,
    }
  }
}

/**
 * The most that were starting at once within a stretch of the observer's wall clock, those of its beginning included.
 */
export function peakBetween({ timeline }: StartingReport, fromMs: number, toMs: number): number {
  const before = timeline.findLast(t => t.atMs <= fromMs)?.count ?? 0
  return Math.max(before, ...timeline.filter(t => t.atMs > fromMs && t.atMs <= toMs).map(t => t.count))
}

function runningContainers(pod: ObservedPod): Running[] {
  return pod.spec.containers.flatMap(container => {
    const status = pod.status?.containerStatuses?.find(s => s.name === container.name)
    const startedAt = status?.state?.running?.startedAt
    if (!status?.containerID || startedAt === undefined) return []
    return [
      { pod, container, status: { ...status, containerID: status.containerID }, startedAtMs: Date.parse(startedAt) },
    ]
  })
}
