import { AFTER_KINDS, type AfterKind } from '../../../core/after.ts'
import type { Clock } from '../../../core/clock.ts'
import type { InvalidValueError } from '../../../core/errors.ts'
import type { Namespace, Node, ObjectMeta, Pod } from '../../../core/pod.ts'
import type { AfterCycle, AfterOverdue, FindWorkload } from '../after/after-waits.ts'
import type { Scope } from '../limits/scope.ts'
import type { Grant, Release, ReleaseReason, SlotTimeout, Waiting } from '../model/grant.ts'
import type { Trouble } from '../model/trouble.ts'
import { FAIL_OPEN_NEWS_MS, type FailOpen, failOpensOf } from '../pods/fail-open-records.ts'
import { dependentsOf, sequenceOf } from '../pods/pod-sequence.ts'
import { circleText, digestOf, named } from './long-lists.ts'

export interface EventInput {
  regarding: { apiVersion?: string; kind: string; namespace?: string; name: string; uid: string }
  type: 'Normal' | 'Warning'
  reason: string
  note: string
}

export interface ReporterDeps {
  record: (event: EventInput) => void
  failedOpen: (namespace: string, gate: string) => void
  clock: Clock
  /** A pod that waits longer than this gets one Event a gate. */
  waitingEventAfterMs: number
  /** For Events on the workloads of a cycle. */
  findWorkload: FindWorkload
}

/** Workloads of a circle that get an Event, and as many of its pods. */
const TOLD_OF_A_CIRCLE = 50

const RELEASE_SENTENCES: Partial<Record<ReleaseReason, (release: Release) => string>> = {
  TimedOut: ({ grant: { resource, timeoutMs }, late }) =>
    resource === 'pull'
      ? `images were not pulled within ${timeoutMs / 1000} s: the pull slot goes to the next pod; the kubelet goes on trying`
      : `${named(late, ', ')} not ready within ${timeoutMs / 1000} s: its start slot goes to the next pod, it goes on; if it needs longer, raise startgate.dev/start-timeout`,
  BackOff: ({ grant: { resource } }) => `the kubelet backs off: the ${resource} slot goes to the next pod meanwhile`,
}

/** What Events are written on; the items of a list do not say it. */
const WORKLOAD_TYPES: Record<AfterKind, { apiVersion: string; kind: string }> = {
  deployment: { apiVersion: 'apps/v1', kind: 'Deployment' },
  statefulset: { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  daemonset: { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  'node-daemonset': { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  job: { apiVersion: 'batch/v1', kind: 'Job' },
  pod: { apiVersion: 'v1', kind: 'Pod' },
  service: { apiVersion: 'v1', kind: 'Service' },
}

/** Turns what the ledger decides into Events for the people who look at pods and namespaces. */
export class Reporter {
  readonly #deps: ReporterDeps
  /** Keys of tickets, by pod. */
  readonly #toldWaiting = new Map<string, Set<string>>()
  readonly #toldFailOpens = new Map<string, Set<string>>()
  readonly #toldSetAside = new Set<string>()
  /** By kind and name. */
  readonly #toldProblems = new Map<string, string>()
  #toldCycles = new Set<string>()

  constructor(deps: ReporterDeps) {
    this.#deps = deps
  }

  record(event: EventInput): void {
    this.#deps.record(event)
  }

  waiting(row: Waiting, waitedMs: number, podOf: (key: string) => Pod | undefined): void {
    if (waitedMs < this.#deps.waitingEventAfterMs) return
    const pod = podOf(row.key)
    const told = this.#toldWaiting.get(pod?.metadata.uid ?? '') ?? new Set()
    if (!pod || told.has(row.key)) return
    this.#toldWaiting.set(pod.metadata.uid ?? '', told.add(row.key))
    this.#recordFor(pod, 'Normal', 'StartgateWaiting', `place ${row.place} of ${row.of}: ${row.reason}`)
  }

  granted(grant: Grant): void {
    const told = this.#toldWaiting.get(grant.podUid)
    told?.delete(grant.key)
    if (told?.size === 0) this.#toldWaiting.delete(grant.podUid)
  }

  oversize(pod: Pod | undefined, slots: number, { subject, limit, source }: Scope): void {
    const note = `this pod needs ${slots} start slots, and ${subject} has ${limit} (${source}): it starts alone there; raise that to ${slots}`
    if (pod) this.#recordFor(pod, 'Warning', 'StartgateOversize', note)
  }

  /** Its grant cannot be made: told once. */
  setAside({ podUid, kind, reason }: Trouble, pod: Pod | undefined): void {
    if (!pod || this.#toldSetAside.has(podUid)) return
    this.#toldSetAside.add(podUid)
    const what = kind === 'refused' ? 'the API server refuses the Lease of its grant' : 'its start cannot be decided on'
    const note = `${what}: ${reason}; it is tried again, all others go on, and its gate goes when its fail-open time is over`
    this.#recordFor(pod, 'Warning', 'StartgateSetAside', note)
  }

  /** By `min-start-rate` or `max-wait`. */
  passed(pod: Pod | undefined, reason: string): void {
    if (pod) this.#recordFor(pod, 'Warning', 'StartgateOverLimit', `starts although the limits are full: ${reason}`)
  }

  /**
   * A container of a sequenced pod was not ready in time: who waits for it goes on waiting. A plain pod is told of at
   * the release.
   */
  timedOut({ grant, container }: SlotTimeout, pod: Pod | undefined): void {
    const sequence = pod && sequenceOf(pod)
    if (!sequence || grant.resource !== 'start') return
    const blocked = dependentsOf(sequence, container)
    const consequence =
      blocked.length > 0 ? `${blocked.join(', ')} ${blocked.length === 1 ? 'waits' : 'wait'} for it; ` : ''
    const note = `${container} is not ready within ${grant.timeoutMs / 1000} s: ${consequence}its start slot goes to the next pod; when it gets ready after all, the rest goes on`
    this.#recordFor(pod, 'Warning', 'StartgateTimedOut', note)
  }

  /** `after` has held a pod back for as long as it may, or holds it back no longer. */
  overdue({ maxWaitMs, reason }: AfterOverdue, pod: Pod | undefined): void {
    if (!pod) return
    const goesOn =
      maxWaitMs === undefined
        ? 'goes on without waiting'
        : `goes on after ${maxWaitMs / 1000} s, the most that startgate.dev/after holds a pod back`
    const note = `${goesOn}, although ${reason}`
    this.#recordFor(pod, 'Warning', 'StartgateAfterOverdue', note)
  }

  /**
   * Says once on the workloads and pods of a cycle that they wait for each other, and again when it comes back. Who
   * labels pods decides how long it is.
   */
  cycles(cycles: (AfterCycle & { pods: Pod[] })[]): void {
    const now = new Set<string>()
    for (const { namespace, path, pods } of cycles) {
      const note = `startgate.dev/after goes in a circle: ${circleText(path)}; each waits for the next until its maximum wait; remove one of them`
      const id = digestOf(path)
      const told = path.slice(1, 1 + TOLD_OF_A_CIRCLE).flatMap(name => this.#workload(namespace, name) ?? [])
      const all = [...told, ...pods.slice(0, TOLD_OF_A_CIRCLE).map(subjectOf)]
      for (const regarding of new Map(all.map(s => [s.uid, s])).values()) {
        const key = `${regarding.uid} ${id}`
        now.add(key)
        if (!this.#toldCycles.has(key))
          this.#deps.record({ regarding, type: 'Warning', reason: 'StartgateAfterCycle', note })
      }
    }
    this.#toldCycles = now
  }

  released(release: Release, pod: Pod | undefined): void {
    const { grant, reason } = release
    if (reason === 'TimedOut' && grant.resource === 'start' && pod && sequenceOf(pod)) return
    const sentence = RELEASE_SENTENCES[reason]?.(release)
    if (pod && sentence) this.#recordFor(pod, 'Warning', `Startgate${reason}`, sentence)
  }

  /** Returns what it had to tell: gates that failed open of late, each once. */
  podChanged(pod: Pod): FailOpen[] {
    const uid = pod.metadata.uid ?? ''
    const news: FailOpen[] = []
    for (const record of failOpensOf(pod)) {
      const { gate, containerId, finishedAtMs, waitedMs, reason } = record
      const told = this.#toldFailOpens.get(uid) ?? new Set()
      if (told.has(containerId)) continue
      this.#toldFailOpens.set(uid, told.add(containerId))
      if (this.#deps.clock.wallMs() - finishedAtMs > FAIL_OPEN_NEWS_MS) continue
      this.#deps.failedOpen(pod.metadata.namespace ?? '', gate)
      this.#recordFor(
        pod,
        'Warning',
        'StartgateFailedOpen',
        `${gate} let the pod go without a slot after ${Math.round(waitedMs / 1000)} s${reason ? `: ${reason}` : ''}`,
      )
      news.push(record)
    }
    return news
  }

  /** The pod is gone, or is past starting for long. */
  podGone(uid: string): void {
    this.#toldFailOpens.delete(uid)
    this.#toldSetAside.delete(uid)
    this.#toldWaiting.delete(uid)
  }

  /** Says once what is wrong with a namespace's annotations, and again when that changes. */
  namespaceProblems({ metadata }: Namespace, problems: InvalidValueError[]): void {
    this.#problems({ apiVersion: 'v1', kind: 'Namespace', ...idOf(metadata) }, problems)
  }

  /** The same of a node. */
  nodeProblems({ metadata }: Node, problems: InvalidValueError[]): void {
    this.#problems({ apiVersion: 'v1', kind: 'Node', ...idOf(metadata) }, problems)
  }

  /** What is told of the next one of its name is told anew. */
  problemsGone(kind: 'Namespace' | 'Node', name: string): void {
    this.#toldProblems.delete(`${kind}/${name}`)
  }

  #problems(regarding: EventInput['regarding'], problems: InvalidValueError[]): void {
    const key = `${regarding.kind}/${regarding.name}`
    const note = problems.map(problem => problem.message).join('; ')
    if ((this.#toldProblems.get(key) ?? '') === note) return
    if (note) this.#toldProblems.set(key, note)
    else this.#toldProblems.delete(key)
    if (!note) return
    this.#deps.record({
      regarding,
      type: 'Warning',
      reason: 'StartgateBadAnnotation',
      note: `${note}; until then the last good value is in force, else the default`,
    })
  }

  #workload(namespace: string, target: string): EventInput['regarding'] | undefined {
    const [kind = '', name = ''] = target.split('/')
    const known = AFTER_KINDS.find(k => k === kind)
    const found = known && this.#deps.findWorkload(known, namespace, name)
    if (!known || typeof found !== 'object' || !found.metadata.uid) return undefined
    return { ...WORKLOAD_TYPES[known], namespace, name, uid: found.metadata.uid }
  }

  #recordFor(pod: Pod, type: EventInput['type'], reason: string, note: string): void {
    this.#deps.record({ regarding: subjectOf(pod), type, reason, note })
  }
}

function idOf({ name = '', uid = '' }: ObjectMeta): { name: string; uid: string } {
  return { name, uid }
}

function subjectOf({ metadata }: Pod): EventInput['regarding'] {
  const { namespace = '', name = '', uid = '' } = metadata
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid }
}
