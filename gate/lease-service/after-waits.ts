import type { AfterKind, AfterTarget } from '../../core/after.ts'
import { type PodSettings, parsePodAnnotations } from '../../core/annotations.ts'
import type { Pod } from '../../core/pod.ts'
import { isSequenceGate } from '../../core/sequence.ts'
import { cyclesIn } from './after-cycle.ts'
import { afterObstacle, type WorkloadSight, workloadOf } from './after-verdict.ts'
import type { Ticket } from './model.ts'
import { sequenceOf } from './pod-sequence.ts'

/** How the shell shows the workloads of the cluster; asking may make it look for more. */
export type FindWorkload = (kind: AfterKind, namespace: string, name: string) => WorkloadSight

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
    const { after } = settingsOf(pod)
    return after !== undefined && !this.#overdue.has(ticket.podUid) && this.#obstacles(after, ticket, pod).length > 0
  }

  /** Why a ticket must wait; undefined when it may go, also because it has waited as long as it may. */
  reasonToWait(ticket: Ticket, pod: Pod, nowMs: number): string | undefined {
    const { after, afterMaxWaitMs: maxWaitMs = DEFAULT_AFTER_MAX_WAIT_MS } = settingsOf(pod)
    if (!after || this.#overdue.has(ticket.podUid)) return undefined
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
    const byNamespace = Map.groupBy(this.#waits, ({ ticket }) => ticket.namespace)
    return [...byNamespace].flatMap(([namespace, waits]) =>
      cyclesIn(this.#edges(namespace, waits)).map(path => {
        const members = new Set(path)
        const within = waits.filter(w => members.has(w.workload) || members.has(`pod/${w.ticket.podName}`))
        return { namespace, path, keys: within.map(w => w.ticket.key).sort() }
      }),
    )
  }

  #edges(namespace: string, waits: Wait[]): Map<string, Set<string>> {
    const pairs = waits.flatMap(({ ticket, workload, targets }) =>
      targets.flatMap(({ kind, name }) => {
        const to = `${kind}/${name}`
        const behind = kind === 'service' ? this.#behindService(namespace, name).filter(w => w !== workload) : []
        return [[workload, to], [`pod/${ticket.podName}`, to], ...behind.map(w => [to, w])]
      }),
    )
    const edges = new Map<string, Set<string>>()
    for (const [from = '', to = ''] of pairs) edges.set(from, (edges.get(from) ?? new Set()).add(to))
    return edges
  }

  /** A Service waits for nobody, but the pods behind it may. */
  #behindService(namespace: string, name: string): string[] {
    const service = this.#find('service', namespace, name)
    const endpoints = typeof service === 'object' ? (service.endpoints ?? []) : []
    return endpoints.flatMap(({ targetRef }) => this.#workloadOf(namespace, targetRef?.name ?? '') ?? [])
  }
}

const known = new WeakMap<Pod['metadata'], PodSettings>()

function settingsOf({ metadata }: Pod): PodSettings {
  const settings = known.get(metadata) ?? parsePodAnnotations(metadata.annotations).settings
  known.set(metadata, settings)
  return settings
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

/** As people read it: `deployment/a → deployment/b → deployment/a`. */
export function cycleText({ path }: AfterCycle): string {
  return path.join(' → ')
}
