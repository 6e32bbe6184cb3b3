import { type AfterKind, type AfterTarget, afterTargetName, ownTarget, workloadOf } from '../../../core/after.ts'
import { podSetting } from '../../../core/annotations.ts'
import { earliest } from '../../../core/earliest.ts'
import type { Pod } from '../../../core/pod.ts'
import { isSequenceGate } from '../../../core/sequence.ts'
import type { Ticket } from '../model/grant.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import { cyclesIn } from './cycles.ts'
import { afterObstacle, type WorkloadObservation } from './workload-readiness.ts'

/** How the shell shows the workloads of the cluster; asking may make it look for more, for pods of namespace `by`. */
export type FindWorkload = (kind: AfterKind, namespace: string, name: string, by?: string) => WorkloadObservation

/** The workload of a pod that is there, as `after` would name it. */
export type WorkloadOfPod = (namespace: string, podName: string) => string | undefined

/** Workloads that wait for each other, so that all of them wait in vain. */
export interface AfterCycle {
  namespace: string
  /** `deployment/a`, `deployment/b`, `deployment/a` */
  path: string[]
  /** Tickets of its pods. */
  keys: string[]
}

/** A pod that goes on although what it was to come after is not ready. */
export interface AfterOverdue {
  key: string
  /** Absent: it does not wait at all, for DaemonSets that are not watched. */
  maxWaitMs?: number
  reason: string
}

export const DEFAULT_AFTER_MAX_WAIT_MS = 600_000

interface Wait {
  ticket: Ticket
  workload: string
  targets: AfterTarget[]
}

interface Obstacle {
  target: AfterTarget
  text: string
  /** It holds nobody back: what cannot be watched must not keep those who name it. */
  isUnwatched: boolean
}

/** Who must wait for other workloads. Times are monotonic ms. */
export class AfterWaits {
  readonly #find: FindWorkload
  /** When a pod was first held back. Not stored: after a change of leaders it waits anew. */
  readonly #sinceMs = new Map<string, number>()
  readonly #overdue = new Set<string>()
  readonly #workloadOf: WorkloadOfPod
  readonly #ofAll: readonly AfterTarget[]
  /** Of this step: what was found of those that all pods come after. */
  readonly #found = new Map<AfterTarget, WorkloadObservation>()
  /** Of this step: whether all of these are ready on a node. */
  readonly #isClear = new Map<string, boolean>()
  #waits: Wait[] = []
  #news: AfterOverdue[] = []
  #wakeAtMs: number | undefined

  /** `ofAll`: DaemonSets that all pods but theirs come after on their nodes. */
  constructor(find: FindWorkload, workloadOfPod: WorkloadOfPod, ofAll: readonly AfterTarget[] = []) {
    this.#find = find
    this.#workloadOf = workloadOfPod
    this.#ofAll = ofAll
  }

  removePod(uid: string): void {
    this.#sinceMs.delete(uid)
    this.#overdue.delete(uid)
  }

  /** Whether the pod itself names what it comes after, beside those that all pods come after. */
  namesAny({ metadata }: Pod): boolean {
    return podSetting(metadata, 'after') !== undefined
  }

  /** Whether nothing that all pods come after keeps any on this node; looked up once a step. Never throws. */
  isClearOn(nodeName: string): boolean {
    if (this.#ofAll.length === 0) return true
    const isClear = this.#isClear.get(nodeName) ?? this.#lookOn(nodeName)
    this.#isClear.set(nodeName, isClear)
    return isClear
  }

  #lookOn(nodeName: string): boolean {
    const asker = { nodeName, hasRunBefore: false, isSibling: () => false }
    try {
      return this.#ofAll.every(target => afterObstacle(target, this.#observe(target), asker) === undefined)
    } catch {
      // Found out again for each ticket, which is then set aside.
      return false
    }
  }

  /** Whether a ticket would have to wait; to ask does not begin its wait. */
  isHeldBack(ticket: Ticket, pod: Pod): boolean {
    const after = this.#targetsOf(pod)
    return (
      after.length > 0 &&
      !this.#overdue.has(ticket.podUid) &&
      this.#obstacles(after, ticket, pod).some(({ isUnwatched }) => !isUnwatched)
    )
  }

  /** Why a ticket must wait; undefined when it may go, also because it has waited as long as it may. */
  reasonToWait(ticket: Ticket, pod: Pod, nowMs: number): string | undefined {
    const after = this.#targetsOf(pod)
    if (after.length === 0 || this.#overdue.has(ticket.podUid)) return undefined
    const obstacles = this.#obstacles(after, ticket, pod)
    if (obstacles.length === 0) return undefined
    const reason = obstacles.map(obstacle => obstacle.text).join('; ')
    if (obstacles.every(({ isUnwatched }) => isUnwatched)) return this.#goesOn({ ticket, reason })
    const maxWaitMs = podSetting(pod.metadata, 'afterMaxWaitMs') ?? DEFAULT_AFTER_MAX_WAIT_MS
    const sinceMs = this.#sinceMs.get(ticket.podUid) ?? nowMs
    this.#sinceMs.set(ticket.podUid, sinceMs)
    if (nowMs - sinceMs >= maxWaitMs) return this.#goesOn({ ticket, reason, maxWaitMs })
    this.#wakeAtMs = earliest(this.#wakeAtMs, sinceMs + maxWaitMs)
    this.#waits.push({ ticket, workload: workloadOf(pod.metadata), targets: obstacles.map(o => o.target) })
    return `${ticket.resource}: comes after others, and ${reason}`
  }

  /** Ends a step: what came to light in it, and when to look again though nothing happens. */
  takeNews(): { overdue: AfterOverdue[]; cycles: AfterCycle[]; wakeAtMs: number | undefined } {
    const news = { overdue: this.#news, cycles: this.#cycles(), wakeAtMs: this.#wakeAtMs }
    this.#waits = []
    this.#news = []
    this.#wakeAtMs = undefined
    this.#found.clear()
    this.#isClear.clear()
    return news
  }

  #goesOn({ ticket, ...news }: { ticket: Ticket; reason: string; maxWaitMs?: number }): undefined {
    this.#overdue.add(ticket.podUid)
    this.#news.push({ key: ticket.key, ...news })
  }

  /** Pods of the DaemonSets that all come after wait for none of them, or two would wait for each other. */
  #targetsOf({ metadata }: Pod): readonly AfterTarget[] {
    const written = podSetting(metadata, 'after') ?? NONE
    if (this.#ofAll.length === 0 || ownTarget(this.#ofAll, metadata)) return written
    if (written.length === 0) return this.#ofAll
    const names = new Set(written.map(afterTargetName))
    return [...written, ...this.#ofAll.filter(target => !names.has(afterTargetName(target)))]
  }

  #obstacles(after: readonly AfterTarget[], ticket: Ticket, pod: Pod): Obstacle[] {
    const { namespace, nodeName } = ticket
    const own = workloadOf(pod.metadata)
    const asker = {
      nodeName,
      hasRunBefore: ticket.attempt > 1 && hasStarted(pod),
      isSibling: (name: string) => this.#workloadOf(namespace, name) === own,
    }
    return after.flatMap(target => {
      const observed = this.#ofAll.includes(target)
        ? this.#observe(target)
        : this.#find(target.kind, target.namespace ?? namespace, target.name, namespace)
      const text = afterObstacle(target, observed, asker)
      return text === undefined ? [] : [{ target, text, isUnwatched: observed === 'Unwatched' }]
    })
  }

  /** One of those that all pods come after: once a step, or each ticket would have it looked up. */
  #observe(target: AfterTarget): WorkloadObservation {
    const found = this.#found.get(target) ?? this.#find(target.kind, target.namespace ?? '', target.name)
    this.#found.set(target, found)
    return found
  }

  /** Only among those who wait now: what is declared in a circle but ready keeps nobody. */
  #cycles(): AfterCycle[] {
    if (!this.#mayHaveCycles()) return []
    const byNamespace = Map.groupBy(this.#waits, ({ ticket }) => ticket.namespace)
    return [...byNamespace].flatMap(([namespace, waits]) => {
      const cycles = cyclesIn(this.#edges(namespace, waits)).map(path => ({ namespace, path, keys: [] as string[] }))
      // Circles that are told share no workload.
      const cycleOf = new Map(cycles.flatMap(cycle => cycle.path.map(name => [name, cycle] as const)))
      for (const { workload, ticket } of waits) {
        const within = new Set([cycleOf.get(workload), cycleOf.get(`pod/${ticket.podName}`)])
        for (const cycle of within) cycle?.keys.push(ticket.key)
      }
      for (const { keys } of cycles) keys.sort()
      return cycles
    })
  }

  /**
   * A circle leads back to somebody who waits, at once or through a Service; mostly nobody waits for those who wait.
   */
  #mayHaveCycles(): boolean {
    const waiting = new Set(this.#waits.flatMap(({ ticket, workload }) => [workload, `pod/${ticket.podName}`]))
    return this.#waits.some(({ ticket: { namespace }, targets }) =>
      targets.some(target => target.kind === 'service' || waiting.has(nameIn(namespace, target))),
    )
  }

  #edges(namespace: string, waits: Wait[]): Map<string, Set<string>> {
    const edges = new Map<string, Set<string>>()
    const connect = (from: string, to: string) => edges.set(from, (edges.get(from) ?? new Set()).add(to))
    /** By Service: the workloads that wait for it. */
    const waitersOf = new Map<string, Set<string>>()
    for (const { ticket, workload, targets } of waits) {
      for (const target of targets) {
        const { kind, name } = target
        connect(workload, nameIn(namespace, target))
        connect(`pod/${ticket.podName}`, nameIn(namespace, target))
        if (kind === 'service') waitersOf.set(name, (waitersOf.get(name) ?? new Set()).add(workload))
      }
    }
    for (const [name, waiters] of waitersOf)
      for (const behind of this.#behindService(namespace, name)) {
        const isForOthers = waiters.size > 1 || !waiters.has(behind)
        if (isForOthers) connect(`service/${name}`, behind)
      }
    return edges
  }

  /** A Service waits for nobody, but the pods behind it may. */
  #behindService(namespace: string, name: string): Set<string> {
    const service = this.#find('service', namespace, name)
    const endpoints = typeof service === 'object' ? (service.endpoints ?? []) : []
    return new Set(endpoints.flatMap(({ targetRef }) => this.#workloadOf(namespace, targetRef?.name ?? '') ?? []))
  }
}

const NONE: readonly AfterTarget[] = []

/** As workloads of the namespace are named in its circles; one of another namespace is in none. */
function nameIn(namespace: string, target: AfterTarget): string {
  const { kind, name } = target
  if (kind !== 'node-daemonset') return `${kind}/${name}`
  return target.namespace === namespace ? `daemonset/${name}` : afterTargetName(target)
}

/** Whether the status tells that the pod once got as far as its start: then what it comes after was ready once. */
function hasStarted(pod: Pod): boolean {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {}
  const started = new Set(sequenceOf(pod)?.stages.flatMap(stage => stage.containers))
  return (
    initContainerStatuses.some(({ name, state }) => isSequenceGate(name) && state?.terminated?.exitCode === 0) ||
    [...containerStatuses, ...initContainerStatuses.filter(s => started.has(s.name))].some(
      s => s.containerID !== undefined || s.lastState?.terminated !== undefined,
    )
  )
}
