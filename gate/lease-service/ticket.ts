import { effectivePullPolicy, fullImageName } from '../../core/image-name.ts'
import { type GateName, IMAGE_STEP_PREFIX, PULL_GATE, START_GATE } from '../../core/names.ts'
import type { Pod } from '../../core/pod.ts'
import type { Resource, Ticket } from './model.ts'

/** Why a request gets no ticket, in a sentence for the gate's log. */
export interface Refusal {
  refused: string
}

const GATES: readonly string[] = [PULL_GATE, START_GATE]

export function ticketKey(resource: Resource, podUid: string, attempt: number): string {
  return `${resource}.${podUid}.${attempt}`
}

/**
 * What a gate that asks is waiting for, from the pod as the API server shows it. Of the gate's own words only `attempt`
 * counts. On a second run of the init containers (attempt above 1) the pod's first gate asks for the start slots of all
 * containers, because known kubelet bugs can skip the gates that follow; a later gate of that run finds the same key.
 */
export function ticketOf(pod: Pod, request: { gate: GateName; attempt: number }): Ticket | Refusal {
  const { uid, name, namespace, deletionTimestamp, creationTimestamp } = pod.metadata
  const { nodeName } = pod.spec
  const where = `pod ${namespace}/${name}`
  const gates = (pod.spec.initContainers ?? []).map(c => c.name).filter(n => GATES.includes(n))
  if (!gates.includes(request.gate)) return { refused: `${where} has no gate ${request.gate} in its spec` }
  if (!uid || !name || !namespace || !nodeName) return { refused: `${where} is not on a node yet` }
  if (!Number.isSafeInteger(request.attempt) || request.attempt < 1)
    return { refused: `attempt ${request.attempt} is no whole number of at least 1` }
  if (deletionTimestamp) return { refused: `${where} is being deleted` }
  if (isFinished(pod)) return { refused: `${where} has finished` }
  const resource = request.gate === PULL_GATE && !(request.attempt > 1 && gates[0] === PULL_GATE) ? 'pull' : 'start'
  return {
    key: ticketKey(resource, uid, request.attempt),
    resource,
    gate: request.gate,
    attempt: request.attempt,
    podUid: uid,
    podName: name,
    namespace,
    nodeName,
    ...(resource === 'pull' ? pullDemand(pod) : startDemand(pod)),
    priority: pod.spec.priority ?? 0,
    createdAtMs: Date.parse(creationTimestamp ?? '') || 0,
  }
}

/** Succeeded and Failed are final. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

function startDemand(pod: Pod): Pick<Ticket, 'containers' | 'slots' | 'images'> {
  const containers = pod.spec.containers.map(c => c.name)
  return { containers, slots: containers.length, images: [] }
}

function pullDemand(pod: Pod): Pick<Ticket, 'containers' | 'slots' | 'images'> {
  const initContainers = pod.spec.initContainers ?? []
  const pulled = [...initContainers, ...pod.spec.containers].filter(
    c => c.image && !GATES.includes(c.name) && effectivePullPolicy(c) !== 'Never',
  )
  return {
    containers: initContainers.map(c => c.name).filter(n => n.startsWith(IMAGE_STEP_PREFIX)),
    slots: 1,
    images: [...new Set(pulled.map(c => fullImageName(c.image ?? '')))],
  }
}
