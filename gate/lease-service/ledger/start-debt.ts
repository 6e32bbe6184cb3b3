import { earliest } from '../../../core/earliest.ts'
import type { Container, Pod } from '../../../core/pod.ts'
import { isReportedByAgent, type Readiness } from '../../../core/readiness.ts'
import type { Debtor } from '../limits/slot-usage.ts'
import type { Report } from '../pods/agent-reports.ts'
import { isPastStarting, stampMs, statusOf } from '../pods/container-status.ts'
import { containerOf, sequenceOf, startersOf } from '../pods/pod-sequence.ts'
import { isPastBy } from '../pods/slot-release.ts'
import { isFinished } from '../pods/ticket-from-pod.ts'

/** One run of a container, as far as its start matters. Monotonic ms. */
interface Start {
  id: string
  sinceMs: number
  /** It was past starting once: what happens to it later is no start. */
  isPast: boolean
}

export interface DebtFacts {
  pod: Pod
  /** Containers that hold a slot now. */
  holding: ReadonlySet<string>
  /** Its node is lost, or its namespace is not limited. */
  isExempt: boolean
  reports: ReadonlyMap<string, Report> | undefined
  settleMs: number
  startTimeoutMsOf: (container: Container) => number
}

export interface Now {
  ms: number
  /** Only to tell how old a run was when its pod was first seen. */
  wallMs: number
}

export interface Starts {
  runs: ReadonlyMap<string, Start>
  /** Containers that are starting and hold no slot. */
  owing: string[]
  /** When the clock alone changes that; undefined when it does not. */
  changesAtMs: number | undefined
}

/**
 * Folds one more observation of a pod into what is known of its containers' runs. Starting is what the design counts:
 * it runs, was never past starting under this container ID, and is younger than its start timeout.
 */
export function startsOf(before: Starts['runs'] | undefined, facts: DebtFacts, now: Now): Starts {
  const runs = new Map<string, Start>()
  const owing: string[] = []
  let changesAtMs: number | undefined
  const { pod, isExempt, holding } = facts
  if (isExempt || isFinished(pod) || pod.metadata.deletionTimestamp) return { runs, owing, changesAtMs }
  // Of a pod that is known already, a run not seen before has just begun: the clocks of others may be off.
  const seenAt = before ? { ...now, wallMs: Number.NEGATIVE_INFINITY } : now
  for (const name of startersOf(pod)) {
    const run = runOf(name, before?.get(name), facts, seenAt)
    if (!run) continue
    const { endsAtMs, ...start } = run
    runs.set(name, start)
    if (start.isPast || endsAtMs <= now.ms || holding.has(name)) continue
    owing.push(name)
    changesAtMs = earliest(changesAtMs, endsAtMs)
  }
  return { runs, owing, changesAtMs }
}

/** The present run of a container, and when its start is over by the clock; undefined when it does not run. */
function runOf(
  name: string,
  before: Start | undefined,
  facts: DebtFacts,
  now: Now,
): (Start & { endsAtMs: number }) | undefined {
  const status = statusOf(facts.pod, name)
  const container = containerOf(facts.pod, name)
  const id = status?.containerID
  const { running } = status?.state ?? {}
  if (!running || !id || !container) return undefined
  const startedAtMs = stampMs(running.startedAt)
  const ageMs = startedAtMs === undefined ? 0 : Math.max(0, now.wallMs - startedAtMs)
  const sinceMs = before?.id === id ? before.sinceMs : now.ms - ageMs
  const timeoutMs = facts.startTimeoutMsOf(container)
  const isPast = pastOf(sequenceOf(facts.pod)?.readiness[name], facts.reports?.get(name), id, () =>
    isPastStarting(container, status),
  )
  const wasPast = before?.id === id && before.isPast
  // Without a word from anybody only time tells that it is past starting.
  const endsAtMs = sinceMs + (isPast === undefined ? Math.min(facts.settleMs, timeoutMs) : timeoutMs)
  return { id, sinceMs, isPast: wasPast || isPast === true, endsAtMs }
}

/** Whether a run is past starting; undefined when only the settle time can tell. */
function pastOf(
  readiness: Readiness | undefined,
  report: Report | undefined,
  id: string,
  byProbes: () => boolean | undefined,
): boolean | undefined {
  const isOfThisRun = report?.containerId === undefined || report.containerId === id
  if (readiness && isReportedByAgent(readiness) && report?.state === 'ready' && isOfThisRun) return true
  return isPastBy(readiness, byProbes)
}

interface Owing {
  starts: Starts
  debtor: Debtor
}

/** The containers that are starting without a slot, of all pods: restarts, late starts, fail-opens. */
export class StartDebts {
  readonly #owe: (debtor: Debtor, slots: number) => void
  readonly #byPod = new Map<string, Owing>()
  readonly #stale = new Set<string>()
  /** Pods that owe something: only for them does time alone change anything. */
  readonly #due = new Set<string>()

  constructor(owe: (debtor: Debtor, slots: number) => void) {
    this.#owe = owe
  }

  /** The pod's facts have changed. */
  touch(podUid: string): void {
    this.#stale.add(podUid)
  }

  removePod(podUid: string): void {
    this.#stale.delete(podUid)
    this.#due.delete(podUid)
    const known = this.#byPod.get(podUid)
    this.#byPod.delete(podUid)
    if (known) this.#owe(known.debtor, 0)
  }

  /**
   * Takes in a pod of which no more was kept than the runs that are past starting: any other run of it has just begun.
   */
  resume(pod: Pod, hasRun: (containerId: string) => boolean): void {
    const runs = new Map<string, Start>()
    for (const name of startersOf(pod)) {
      const id = statusOf(pod, name)?.containerID
      if (id && hasRun(id)) runs.set(name, { id, sinceMs: Number.NEGATIVE_INFINITY, isPast: true })
    }
    this.#byPod.set(pod.metadata.uid ?? '', {
      starts: { runs, owing: [], changesAtMs: undefined },
      debtor: debtorOf(pod),
    })
  }

  owes(podUid: string): boolean {
    return this.#due.has(podUid)
  }

  /**
   * Looks again at what has changed or is due. A pod that cannot be judged owes nothing, and is handed to `onError`.
   */
  settle(
    now: Now,
    factsOf: (podUid: string) => DebtFacts | undefined,
    onError: (podUid: string, error: unknown) => void,
  ): void {
    for (const podUid of this.#due) {
      const { changesAtMs = Number.POSITIVE_INFINITY } = this.#byPod.get(podUid)?.starts ?? {}
      if (changesAtMs <= now.ms) this.#stale.add(podUid)
    }
    for (const podUid of this.#stale) {
      try {
        const facts = factsOf(podUid)
        if (facts) this.#look(podUid, facts, now)
      } catch (error) {
        this.removePod(podUid)
        onError(podUid, error)
      }
    }
    this.#stale.clear()
  }

  wakeAtMs(): number | undefined {
    let wakeAtMs: number | undefined
    for (const podUid of this.#due) wakeAtMs = earliest(wakeAtMs, this.#byPod.get(podUid)?.starts.changesAtMs)
    return wakeAtMs
  }

  #look(podUid: string, facts: DebtFacts, now: Now): void {
    const debtor = debtorOf(facts.pod)
    const starts = startsOf(this.#byPod.get(podUid)?.starts.runs, facts, now)
    this.#byPod.set(podUid, { starts, debtor })
    if (starts.owing.length > 0) this.#due.add(podUid)
    else this.#due.delete(podUid)
    this.#owe(debtor, starts.owing.length)
  }
}

function debtorOf({ metadata: { uid: podUid = '', namespace = '' }, spec: { nodeName = '' } }: Pod): Debtor {
  return { podUid, namespace, nodeName }
}
