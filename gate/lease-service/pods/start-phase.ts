import type { ContainerSight } from '../../../core/lease-api.ts'
import { isReportedByAgent } from '../../../core/readiness.ts'
import type { Dependency, Sequence } from '../../../core/sequence.ts'
import type { Report } from './agent-reports.ts'

/** What is known of the containers of a sequenced pod besides its status. */
export interface StartFacts {
  attempt: number
  reports: ReadonlyMap<string, Report> | undefined
  /** Containers whose slots were taken back because they were not ready in time. */
  timedOut: ReadonlySet<string>
}

/** `failed`: not ready in time. `waiting`: has not run in this run of the pod's init containers. */
export type StartPhase = 'ready' | 'failed' | 'starting' | 'waiting'

/** How far each container is, by the pod's status (`sights`) and its agent's word. */
export function startPhasesOf(
  sequence: Sequence,
  sights: Readonly<Record<string, ContainerSight>>,
  facts: StartFacts,
): Map<string, StartPhase> {
  return new Map(Object.entries(sights).map(([name, seen]) => [name, phaseOf(name, seen, sequence, facts)]))
}

function phaseOf(name: string, observed: ContainerSight, { readiness }: Sequence, facts: StartFacts): StartPhase {
  const kind = readiness[name]
  const isTold = facts.reports?.get(name)?.state === 'ready'
  const isRunning = observed.state === 'running'
  const isShown = kind?.type === 'probe' ? isRunning && observed.started && observed.ready : isRunning
  const isDone = observed.state === 'terminated' && observed.exitCode === 0
  if (isDone || (kind && isReportedByAgent(kind) ? isTold : isShown)) return 'ready'
  if (facts.timedOut.has(name)) return 'failed'
  return observed.state === 'waiting' ? 'waiting' : 'starting'
}

/** Whether a dependency holds. */
export function isMet(
  { container, condition }: Dependency,
  sights: Readonly<Record<string, ContainerSight>>,
  phases: ReadonlyMap<string, StartPhase>,
): boolean {
  return condition === 'started' ? sights[container]?.state === 'running' : phases.get(container) === 'ready'
}

/** STATUS= and ERRNO= of a container that notifies; empty when it has said neither. */
export function wordsOf(report: Report | undefined): string {
  const words = [report?.status, report?.errno === undefined ? undefined : `errno ${report.errno}`]
  return words.filter(word => word).join('; ')
}
