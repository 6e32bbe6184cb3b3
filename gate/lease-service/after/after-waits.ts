import { type AfterKind, type AfterTarget, workloadOf } from '../../../core/after.ts'
import { podSetting } from '../../../core/annotations.ts'
import type { Pod } from '../../../core/pod.ts'
import { isSequenceGate } from '../../../core/sequence.ts'
import type { Ticket } from '../model/grant.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import { cyclesIn } from './cycles.ts'
import { afterObstacle, type WorkloadObservation } from './workload-readiness.ts'

/** How the shell shows the workloads of the cluster; asking may make it look for more. */
export type FindWorkload = (kind: AfterKind, namespace: string, name: string) => WorkloadObservation

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
  maxWaitMs: number
  reason: string
}

export const DEFAULT_AFTER_MAX_WAIT_MS = 600_000

interface Wait {
  ticket: Ticket
  workload: string
  targets: AfterTarget[]
}

/** Who must wait for other workloads. Times are monotonic ms. */
export class AfterWaits {
  readonly #find: FindWorkload
  /** When a pod was first held back. Not stored: after a change of leaders it waits anew. */
  readonly #sinceMs = new Map<string, number>()
  readonly #overdue = new Set<string>()
  readonly #workloadOf: WorkloadOfPod
  #waits: Wait[] = []
  #news: AfterOverdue[] = []
  #wakeAtMs: number | undefined

  constructor(find: FindWorkload, workloadOfPod: WorkloadOfPod) {
    this.#find = find
    this.#workloadOf = workloadOfPod
  }

  removePod(uid: string): void {
    this.#sinceMs.delete(uid)
    this.#overdue.delete(uid)
  }

  /** Whether a ticket would have to wait; to ask does not begin its wait. */
  isHeldBack(ticket: Ticket, pod: Pod): boolean {
    const after = podSetting(pod.metadata, 'after')
    return after !== undefined && !this.#overdue.has(ticket.podUid) && this.#obstacles(after, ticket, pod).length > 0
  }

  /** Why a ticket must wait; undefined when it may go, also because it has waited as long as it may. */
  reasonToWait(ticket: Ticket, pod: Pod, nowMs: number): string | undefined {
    const after = podSetting(pod.metadata, 'after')
    if (!after || this.#overdue.has(ticket.podUid)) return undefined
    const maxWaitMs = podSetting(pod.metadata, 'afterMaxWaitMs') ?? DEFAULT_AFTER_MAX_WAIT_MS
    const obstacles = this.#obstacles(after, ticket, pod)
    if (obstacles.length === 0) return undefined
    const reason = obstacles.map(obstacle => obstacle.text).join('; ')
    const sinceMs = this.#sinceMs.get(ticket.podUid) ?? nowMs
    this.#sinceMs.set(ticket.podUid, sinceMs)
    if (nowMs - sinceMs >= maxWaitMs) {
      this.#overdue.add(ticket.podUid)
      this.#news.push({ key: ticket.key, maxWaitMs, reason })
      return undefined
    }
    this.#wakeAtMs = Math.min(this.#wakeAtMs ?? Number.POSITIVE_INFINITY, sinceMs + maxWaitMs)
    this.#waits.push({ ticket, workload: workloadOf(pod.metadata), targets: obstacles.map(o => o.target) })
    return `${ticket.resource}: comes after others, and ${reason}`
  }

  /** What came to light since the last call, and when to look again though nothing happens. */
  takeNews(): { overdue: AfterOverdue[]; cycles: AfterCycle[]; wakeAtMs: number | undefined } {
    const news = { overdue: this.#news, cycles: this.#cycles(), wakeAtMs: this.#wakeAtMs }
    this.#waits = []
    this.#news = []
    this.#wakeAtMs = undefined
    return news
  }

  #obstacles(after: AfterTarget[], ticket: Ticket, pod: Pod): { target: AfterTarget; text: string }[] {
    const { namespace } = ticket
    const own = workloadOf(pod.metadata)
    const asker = {
      hasRunBefore: ticket.attempt > 1 && hasStarted(pod),
      isSibling: (name: string) => this.#workloadOf(namespace, name) === own,
    }
    return after.flatMap(target => {
      const text = afterObstacle(target, this.#find(target.kind, namespace, target.name), asker)
      return text === undefined ? [] : [{ target, text }]
    })
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
    return this.#waits.some(({ targets }) =>
      targets.some(({ kind, name }) => kind === 'service' || waiting.has(`${kind}/${name}`)),
    )
  }

  #edges(namespace: string, waits: Wait[]): Map<string, Set<string>> {
    const edges = new Map<string, Set<string>>()
    const connect = (from: string, to: string) => edges.set(from, (edges.get(from) ?? new Set()).add(to))
    /** By Service: the workloads that wait for it. */
    const waitersOf = new Map<string, Set<string>>()
    for (const { ticket, workload, targets } of waits) {
      for (const { kind, name } of targets) {
        connect(workload, `${kind}/${name}`)
        connect(`pod/${ticket.podName}`, `${kind}/${name}`)
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
