import type { AgentReport } from '../../../core/lease-api.ts'

/** An agent's report as the ledger keeps it. */
export interface Report extends Omit<AgentReport, 'extendUntilMs'> {
  /** Monotonic ms of this process, uncapped; absent when no more time was asked for. */
  extendedToMs?: number
}

interface PodReports {
  attempt: number
  byContainer: Map<string, Report>
}

/** What the agents say of their containers: the latest of each, of the latest run of the pod's init containers. */
export class Reports {
  readonly #byPod = new Map<string, PodReports>()

  /**
   * Folds reports in, of the pod's own `containers` only: what else an agent names is not kept. False when they speak
   * of an earlier run and so count for nothing.
   */
  take(
    { podUid, attempt, containers }: { podUid: string; attempt: number; containers: ReadonlySet<string> },
    reports: readonly AgentReport[],
    nowMs: number,
  ): boolean {
    const before = this.#byPod.get(podUid)
    if (before && before.attempt > attempt) return false
    const kept = before?.attempt === attempt ? before.byContainer : new Map<string, Report>()
    for (const { extendUntilMs, ...report } of reports) {
      if (!containers.has(report.container)) continue
      const extendedToMs = extendUntilMs === undefined ? undefined : nowMs + extendUntilMs
      const state = isOutrun(report, kept.get(report.container)) ? 'ready' : report.state
      kept.set(report.container, { ...report, state, ...(extendedToMs !== undefined && { extendedToMs }) })
    }
    this.#byPod.set(podUid, { attempt, byContainer: kept })
    return true
  }

  /** Of one run; undefined when its agent has said nothing. */
  of(podUid: string, attempt: number): ReadonlyMap<string, Report> | undefined {
    const reports = this.#byPod.get(podUid)
    return reports?.attempt === attempt ? reports.byContainer : undefined
  }

  /** Of the latest run. */
  latest(podUid: string): ReadonlyMap<string, Report> | undefined {
    return this.#byPod.get(podUid)?.byContainer
  }

  removePod(podUid: string): void {
    this.#byPod.delete(podUid)
  }
}

/** Two messages may change places on their way: `starting` after `ready` of the same run is the older word. */
function isOutrun(report: Pick<Report, 'state' | 'containerId'>, before: Report | undefined): boolean {
  return before?.state === 'ready' && report.state === 'starting' && before.containerId === report.containerId
}
