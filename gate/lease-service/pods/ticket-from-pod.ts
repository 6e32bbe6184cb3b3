import { instead } from '../../../core/errors.ts'
import { effectivePullPolicy } from '../../../core/image-name.ts'
import { AGENT, type GateName, IMAGE_STEP_PREFIX, PULL_GATE } from '../../../core/names.ts'
import type { Pod } from '../../../core/pod.ts'
import { isGate, type Sequence } from '../../../core/sequence.ts'
import type { Resource, Ticket } from '../model/grant.ts'
import { attemptIn, stampMs, statusOf } from './container-status.ts'
import { imageKeyOf } from './image-key.ts'
import { sequenceOf, startersOf } from './pod-sequence.ts'

/** Why a request gets no ticket, in a sentence for the gate's log. */
export interface Refusal {
  refused: string
}

/** `gate`: of one stage of a sequenced pod; absent: the whole pod. Every part may stand in an object's name. */
export function ticketKey(resource: Resource, podUid: string, attempt: number, gate?: GateName): string {
  return `${resource}.${podUid}.${attempt}${gate === undefined ? '' : `.${gate}`}`
}

/**
 * What a gate that asks is waiting for, from the pod as the API server shows it. Of the gate's own words only `attempt`
 * counts. On a second run of the init containers (attempt above 1) the pod's first gate asks for the start slots of all
 * containers, because known kubelet bugs can skip the gates that follow; a later gate of that run finds the same key.
 * A sequenced pod's later gates ask for their own stage, which the first gate's grant may cover.
 */
export function ticketOf(pod: Pod, request: { gate: GateName; attempt: number }): Ticket | Refusal {
  const { uid, name, namespace, creationTimestamp } = pod.metadata
  const { nodeName } = pod.spec
  const where = `pod ${namespace}/${name}`
  if (!uid || !name || !namespace || !nodeName) return { refused: `${where} is not on a node yet` }
  const sequence = sequenceOf(pod)
  const refused = refusalOf(pod, request, sequence)
  if (refused !== undefined) return { refused: `${where} ${refused}` }
  const isRerun = request.attempt > 1 && gatesOf(pod)[0] === PULL_GATE
  const resource = request.gate === PULL_GATE && !isRerun ? 'pull' : 'start'
  const stage = sequence?.stages.find(s => s.gate === request.gate)
  return {
    key: ticketKey(resource, uid, request.attempt, stage?.gate),
    resource,
    gate: request.gate,
    attempt: request.attempt,
    podUid: uid,
    podName: name,
    namespace,
    nodeName,
    ...(resource === 'pull' ? pullDemand(pod) : startDemand(stage?.containers ?? startersOf(pod))),
    priority: pod.spec.priority ?? 0,
    createdAtMs: stampMs(creationTimestamp) ?? 0,
  }
}

function refusalOf(
  pod: Pod,
  { gate, attempt }: { gate: GateName; attempt: number },
  sequence: Sequence | undefined,
): string | undefined {
  if (!gatesOf(pod).includes(gate)) return `has no gate ${gate} in its spec`
  if (sequence && gate !== PULL_GATE && !sequence.stages.some(s => s.gate === gate))
    return `has no stage for ${gate} in the sequence of its agent`
  if (!Number.isSafeInteger(attempt) || attempt < 1)
    return instead(`has no attempt ${attempt}`, 'a whole number of at least 1')
  if (pod.metadata.deletionTimestamp) return 'is being deleted'
  if (isFinished(pod)) return 'has finished'
  return hasPassedThisRun(pod, gate, attempt)
    ? instead(`has passed ${gate} in run ${attempt} already, and a gate asks once`, 'the number of the new run')
    : undefined
}

/**
 * Whoever asks for such a run again replays its token: a second grant would be held to its timeout, since nothing
 * starts any more.
 */
function hasPassedThisRun(pod: Pod, gate: GateName, attempt: number): boolean {
  const end = statusOf(pod, gate)?.state?.terminated
  return end?.exitCode === 0 && attemptIn(end.message) === attempt
}

function gatesOf(pod: Pod): string[] {
  return (pod.spec.initContainers ?? []).map(c => c.name).filter(isGate)
}

/** Succeeded and Failed are final. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

function startDemand(containers: string[]): Pick<Ticket, 'containers' | 'slots' | 'images'> {
  return { containers, slots: containers.length, images: [] }
}

function pullDemand(pod: Pod): Pick<Ticket, 'containers' | 'slots' | 'images'> {
  const initContainers = pod.spec.initContainers ?? []
  const pulled = [...initContainers, ...pod.spec.containers].filter(
    c => c.image && !isGate(c.name) && c.name !== AGENT && effectivePullPolicy(c) !== 'Never',
  )
  return {
    containers: initContainers.map(c => c.name).filter(n => n.startsWith(IMAGE_STEP_PREFIX)),
    slots: 1,
    images: [...new Set(pulled.map(c => imageKeyOf(c.image ?? '')))],
  }
}
