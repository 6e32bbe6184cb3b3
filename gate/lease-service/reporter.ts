import type { Clock } from '../../core/clock.ts'
import type { InvalidValueError } from '../../core/errors.ts'
import type { Namespace, Pod } from '../../core/pod.ts'
import type { Grant, ReleaseReason, Waiting } from './model.ts'
import { failOpensOf } from './verdicts.ts'

export interface EventInput {
  regarding: { apiVersion?: string; kind: string; namespace?: string; name: string; uid: string }
  type: 'Normal' | 'Warning'
  reason: string
  note: string
}

export interface ReporterDeps {
  record: (event: EventInput) => void
  failedOpen: (gate: string) => void
  clock: Clock
  /** A pod that waits longer than this gets one Event a gate. */
  waitingEventAfterMs: number
}

/** Fail-opens older than this have had their Event from an earlier leader, or nobody looks for it any more. */
const FAIL_OPEN_NEWS_MS = 3_600_000

const RELEASE_SENTENCES: Partial<Record<ReleaseReason, (grant: Grant) => string>> = {
  TimedOut: ({ resource, timeoutMs, containers }) =>
    resource === 'pull'
      ? `images were not pulled within ${timeoutMs / 1000} s: the pull slot goes to the next pod; the kubelet goes on trying`
      : `not ready within ${timeoutMs / 1000} s: the start slots of ${containers.join(', ')} go to the next pods; the containers go on`,
  BackOff: ({ resource }) => `the kubelet backs off: the ${resource} slot goes to the next pod meanwhile`,
}

/** Turns what the ledger decides into Events for the people who look at pods and namespaces. */
export class Reporter {
  readonly #deps: ReporterDeps
  readonly #toldWaiting = new Set<string>()
  readonly #toldFailOpens = new Map<string, Set<string>>()
  readonly #toldProblems = new Map<string, string>()

  constructor(deps: ReporterDeps) {
    this.#deps = deps
  }

  waiting(row: Waiting, askedAtMs: number, pod: Pod | undefined): void {
    if (!pod || this.#toldWaiting.has(row.key)) return
    if (this.#deps.clock.monotonicMs() - askedAtMs < this.#deps.waitingEventAfterMs) return
    this.#toldWaiting.add(row.key)
    this.#recordFor(pod, 'Normal', 'StartgateWaiting', `place ${row.place} of ${row.of}: ${row.reason}`)
  }

  granted(grant: Grant): void {
    this.#toldWaiting.delete(grant.key)
  }

  oversize(pod: Pod | undefined, scope: string): void {
    if (pod)
      this.#recordFor(
        pod,
        'Warning',
        'StartgateOversize',
        `this pod has more containers than ${scope} has start slots: it starts alone there; raise the limit`,
      )
  }

  released(grant: Grant, reason: ReleaseReason, pod: Pod | undefined): void {
    const sentence = RELEASE_SENTENCES[reason]?.(grant)
    if (pod && sentence) this.#recordFor(pod, 'Warning', `Startgate${reason}`, sentence)
  }

  podChanged(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    for (const { gate, containerId, finishedAtMs, waitedMs, reason } of failOpensOf(pod)) {
      const told = this.#toldFailOpens.get(uid) ?? new Set()
      if (told.has(containerId)) continue
      this.#toldFailOpens.set(uid, told.add(containerId))
      if (this.#deps.clock.wallMs() - finishedAtMs > FAIL_OPEN_NEWS_MS) continue
      this.#deps.failedOpen(gate)
      this.#recordFor(
        pod,
        'Warning',
        'StartgateFailedOpen',
        `${gate} let the pod go without a slot after ${Math.round(waitedMs / 1000)} s: ${reason ?? ''}`,
      )
    }
  }

  podGone(uid: string): void {
    this.#toldFailOpens.delete(uid)
    for (const key of this.#toldWaiting) if (key.includes(uid)) this.#toldWaiting.delete(key)
  }

  /** Says once what is wrong with a namespace's annotations, and again when that changes. */
  namespaceProblems(namespace: Namespace, problems: InvalidValueError[]): void {
    const { name = '', uid = '' } = namespace.metadata
    const note = problems.map(problem => problem.message).join('; ')
    if ((this.#toldProblems.get(uid) ?? '') === note) return
    this.#toldProblems.set(uid, note)
    if (!note) return
    this.#deps.record({
      regarding: { apiVersion: 'v1', kind: 'Namespace', name, uid },
      type: 'Warning',
      reason: 'StartgateBadAnnotation',
      note: `${note}; the last good value stays in force`,
    })
  }

  #recordFor(pod: Pod, type: EventInput['type'], reason: string, note: string): void {
    const { namespace = '', name = '', uid = '' } = pod.metadata
    this.#deps.record({ regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid }, type, reason, note })
  }
}
