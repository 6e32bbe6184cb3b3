import type { ContainerSight } from '../../../core/lease-api.ts'
import { IMAGE_STEP_PREFIX, PULL_GATE } from '../../../core/names.ts'
import type { Pod } from '../../../core/pod.ts'
import type { Sequence, Stage } from '../../../core/sequence.ts'
import type { ContainerPhase, SequencedContainer, SequencedPod } from '../../../core/state-rows.ts'
import { containersSeen, hasPassed } from '../pods/container-observation.ts'
import { statusOf } from '../pods/container-status.ts'
import { dependentsOf } from '../pods/pod-sequence.ts'
import { isMet, type StartFacts, type StartPhase, startPhasesOf, wordsOf } from '../pods/start-phase.ts'

/** A pod with an order among its containers, and what is known of it. */
export interface SequencedFacts extends StartFacts {
  pod: Pod
  sequence: Sequence
  /** Its agent is connected. */
  hasAgent: boolean
}

interface Known extends SequencedFacts {
  sights: Readonly<Record<string, ContainerSight>>
  phases: ReadonlyMap<string, StartPhase>
  isPulling: boolean
}

/** How far each container of a pod is, and who blocks whom; undefined when all are ready. */
export function sequencedPod(facts: SequencedFacts): SequencedPod | undefined {
  const { pod, sequence, attempt, hasAgent } = facts
  const sights = containersSeen(pod, sequence, attempt)
  const phases = startPhasesOf(sequence, sights, facts)
  if (phases.values().every(phase => phase === 'ready')) return undefined
  const { namespace = '', name = '', uid = '' } = pod.metadata
  const known = { ...facts, sights, phases, isPulling: isPulling(pod, attempt) }
  return {
    id: `${namespace}/${name}/${uid}`,
    ...{ namespace, pod: name, podUid: uid, node: pod.spec.nodeName ?? '', agent: hasAgent },
    containers: sequence.stages.flatMap(stage => stage.containers.map(container => rowOf(container, stage, known))),
  }
}

function rowOf(name: string, stage: Stage, known: Known): SequencedContainer {
  const { sequence, sights, phases, reports } = known
  const lacking = stage.dependsOn.filter(dependency => !isMet(dependency, sights, phases))
  const seen = sights[name]
  const phase = phaseOf(name, stage, lacking.length > 0, known)
  const status = wordsOf(reports?.get(name))
  return {
    ...{ name, phase, gate: stage.gate },
    // A container that runs waits for nobody, whatever became of those it came after.
    waitsFor: phase === 'blocked' ? lacking : [],
    blocks: phase === 'ready' ? [] : dependentsOf(sequence, name).filter(other => phases.get(other) !== 'ready'),
    ...(seen?.startedAtMs !== undefined && { startedAtMs: seen.startedAtMs }),
    restartCount: seen?.restartCount ?? 0,
    ...(seen?.exitCode !== undefined && { exitCode: seen.exitCode }),
    ...(status && { status }),
  }
}

function phaseOf(name: string, { gate }: Stage, isLacking: boolean, known: Known): ContainerPhase {
  const { pod, attempt, sights, phases } = known
  const phase = phases.get(name)
  if (phase === 'ready') return 'ready'
  if (phase === 'failed') return 'timed-out'
  if (phase === 'starting') return sights[name]?.state === 'terminated' ? 'failed' : 'starting'
  if (hasPassed(pod, gate, attempt))
    return /BackOff$/.test(statusOf(pod, name)?.state?.waiting?.reason ?? '') ? 'failed' : 'starting'
  if (isLacking) return 'blocked'
  return known.isPulling ? 'pulling' : 'pending'
}

/** Whether images of the pod are yet to be pulled in this run: its first init containers see to that. */
function isPulling(pod: Pod, attempt: number): boolean {
  const steps = (pod.spec.initContainers ?? []).filter(c => c.name.startsWith(IMAGE_STEP_PREFIX))
  if (!pod.spec.initContainers?.some(c => c.name === PULL_GATE)) return false
  return !hasPassed(pod, PULL_GATE, attempt) || steps.some(({ name }) => !statusOf(pod, name)?.state?.terminated)
}
