import type { ContainerSight } from '../../../core/lease-api.ts'
import type { Pod } from '../../../core/pod.ts'
import { isReportedByAgent } from '../../../core/readiness.ts'
import type { Dependency, Sequence } from '../../../core/sequence.ts'
import type { Report } from './agent-reports.ts'
import { containersSeen } from './container-observation.ts'

/** Condition on a sequenced pod: whether all its containers have started, and if not, which one blocks which. */
export const STARTED_CONDITION = 'startgate.dev/Started'

export interface StartedCondition {
  type: typeof STARTED_CONDITION
  status: 'True' | 'False'
  reason: 'AllReady' | 'TimedOut' | 'Starting' | 'Waiting'
  message: string
}

export interface StartFacts {
  attempt: number
  reports: ReadonlyMap<string, Report> | undefined
  /** Containers whose slots were taken back because they were not ready in time. */
  timedOut: ReadonlySet<string>
}

type Phase = 'ready' | 'failed' | 'starting' | 'waiting'

/** The condition of now, from the pod's status and its agent's word. */
export function startedCondition(pod: Pod, sequence: Sequence, facts: StartFacts): StartedCondition {
  const sights = containersSeen(pod, sequence, facts.attempt)
  const phases = new Map<string, Phase>()
  for (const [name, observed] of Object.entries(sights)) phases.set(name, phaseOf(name, observed, sequence, facts))
  const inPhase = (phase: Phase) => [...phases].flatMap(([name, p]) => (p === phase ? [name] : []))
  const [failed, starting, waiting] = [inPhase('failed'), inPhase('starting'), inPhase('waiting')]
  const said = (name: string) => wordsOf(facts.reports?.get(name))
  const sentences = [
    ...failed.map(name => `${name} is not ready in time${said(name)}`),
    ...starting.map(name => `${name} is starting${said(name)}`),
    ...waitingSentences(sequence, waiting, dependency => isMet(dependency, sights, phases)),
  ]
  const type = STARTED_CONDITION
  if (sentences.length === 0) return { type, status: 'True', reason: 'AllReady', message: 'all containers are ready' }
  const reason = failed.length > 0 ? 'TimedOut' : starting.length > 0 ? 'Starting' : 'Waiting'
  return { type, status: 'False', reason, message: sentences.join('; ') }
}

function phaseOf(name: string, observed: ContainerSight, { readiness }: Sequence, facts: StartFacts): Phase {
  const kind = readiness[name]
  const isTold = facts.reports?.get(name)?.state === 'ready'
  const isRunning = observed.state === 'running'
  const isShown = kind?.type === 'probe' ? isRunning && observed.started && observed.ready : isRunning
  const isDone = observed.state === 'terminated' && observed.exitCode === 0
  if (isDone || (kind && isReportedByAgent(kind) ? isTold : isShown)) return 'ready'
  if (facts.timedOut.has(name)) return 'failed'
  return observed.state === 'waiting' ? 'waiting' : 'starting'
}

function isMet(
  { container, condition }: Dependency,
  sights: Record<string, ContainerSight>,
  phases: ReadonlyMap<string, Phase>,
): boolean {
  return condition === 'started' ? sights[container]?.state === 'running' : phases.get(container) === 'ready'
}

/** One sentence a stage. */
function waitingSentences(
  { stages }: Sequence,
  waiting: string[],
  holds: (dependency: Dependency) => boolean,
): string[] {
  return stages.flatMap(({ containers, dependsOn }) => {
    const names = containers.filter(name => waiting.includes(name))
    if (names.length === 0) return []
    const lacking = dependsOn.filter(d => !holds(d)).map(d => `${d.container} (${d.condition})`)
    const what = lacking.length > 0 ? lacking.join(', ') : 'a start slot'
    return [`${names.join(', ')} ${names.length === 1 ? 'waits' : 'wait'} for ${what}`]
  })
}

/** STATUS= and ERRNO= of a container that notifies. */
function wordsOf(report: Report | undefined): string {
  const words = [report?.status, report?.errno === undefined ? undefined : `errno ${report.errno}`]
  const given = words.filter(word => word)
  return given.length > 0 ? ` (${given.join('; ')})` : ''
}
