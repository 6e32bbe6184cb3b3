import type { ContainerSight } from '../../../core/lease-api.ts'
import type { Dependency, Sequence } from '../../../core/sequence.ts'
import { isMet, type StartFacts, type StartPhase, startPhasesOf, wordsOf } from './start-phase.ts'

/** Condition on a sequenced pod: whether all its containers have started, and if not, which one blocks which. */
export const STARTED_CONDITION = 'startgate.dev/Started'

export interface StartedCondition {
  type: typeof STARTED_CONDITION
  status: 'True' | 'False'
  reason: 'AllReady' | 'TimedOut' | 'Starting' | 'Waiting'
  message: string
}

/** The condition of now, from what the pod's status shows of its containers and its agent's word. */
export function startedCondition(
  sequence: Sequence,
  sights: Record<string, ContainerSight>,
  facts: StartFacts,
): StartedCondition {
  const phases = startPhasesOf(sequence, sights, facts)
  const inPhase = (phase: StartPhase) => [...phases].flatMap(([name, p]) => (p === phase ? [name] : []))
  const [failed, starting, waiting] = [inPhase('failed'), inPhase('starting'), inPhase('waiting')]
  const said = (name: string) => {
    const words = wordsOf(facts.reports?.get(name))
    return words ? ` (${words})` : ''
  }
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
