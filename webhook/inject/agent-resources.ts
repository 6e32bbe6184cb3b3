import type { Pod, ResourceRequirements } from '../../core/pod.ts'
import { limitRangeProblem } from '../cluster/limit-range.ts'
import type { NamespaceFacts } from '../cluster/settings.ts'
import { hasPodResources, qosClass } from '../pod/qos.ts'
import { ASKED_BY_QUOTA, isCounted } from './least-resources.ts'
import { CPU_FLOOR, copiedResources, type Fit, isEnough, MEMORY_FLOOR, SHELL_MEMORY } from './resources.ts'

/**
 * What the agent asks for where it is free to: it runs Node while the pod starts and a sleeping shell ever after. No
 * limits, since what Node needs for seconds would look like a reservation for life.
 */
const LITTLE: ResourceRequirements = { requests: { cpu: '5m', memory: '32Mi' } }
/**
 * In a Guaranteed pod limits must be given and equal the requests, and be enough for Node to start (see resources.ts).
 */
const LEAST: ResourceRequirements = {
  requests: { cpu: CPU_FLOOR, memory: MEMORY_FLOOR },
  limits: { cpu: CPU_FLOOR, memory: MEMORY_FLOOR },
}

/** The same of a gate that stays: a shell, and another one as its probe while it waits. */
const GATE_LITTLE: ResourceRequirements = { requests: { cpu: '5m', memory: '4Mi' } }

/**
 * The resources of the agent. As a sidecar it adds to what the pod asks for, so it has to keep the pod's QoS class and
 * must not be what a LimitRange or a ResourceQuota refuses. An explicit zero is "none" to the kubelet, counts as given
 * with a quota and for a HorizontalPodAutoscaler, and adds nothing.
 */
export function agentResources(pod: Pod, namespace: NamespaceFacts | undefined): Fit {
  const copies = pod.spec.containers.map(copiedResources).filter(copy => isEnough(copy, 'memory', MEMORY_FLOOR))
  const candidates = candidatesFor(pod, namespace, { little: LITTLE, least: [LEAST, ...copies] })
  if (candidates.length === 0) {
    return unfit('a Guaranteed pod would ask for more with the agent in it, under a ResourceQuota')
  }
  const looked = lookedAt(pod, namespace, candidates, MEMORY_FLOOR)
  const good = looked.find(({ problem }) => problem === undefined)
  return good ? { kind: 'fits', resources: good.resources } : unfit(looked[0]?.problem ?? '')
}

/**
 * The resources of each gate that stays in its pod; undefined where such a gate is not for nothing, or next to it: in a
 * Guaranteed pod each would take whole limits for the pod's life, so there gates end, as they do where none would fit.
 */
export function sidecarGateResources(
  pod: Pod,
  namespace: NamespaceFacts | undefined,
): ResourceRequirements | undefined {
  const candidates = candidatesFor(pod, namespace, { little: GATE_LITTLE, least: [] })
  return lookedAt(pod, namespace, candidates, SHELL_MEMORY).find(({ problem }) => problem === undefined)?.resources
}

/** What LimitRanges have against each. */
function lookedAt(
  pod: Pod,
  namespace: NamespaceFacts | undefined,
  candidates: readonly Candidate[],
  memoryFloor: string,
): { resources: ResourceRequirements; problem: string | undefined }[] {
  // While they are not known they are not looked at: the namespace is then new, or this program.
  const items = namespace?.hasLimitRange ? (namespace.limitRanges ?? []) : []
  return candidates.map(({ resources }) => ({
    resources,
    problem: limitRangeProblem(pod, resources, { items, memoryFloor, as: 'sidecar' }),
  }))
}

const LISTS = ['requests', 'limits'] as const

interface Candidate {
  resources: ResourceRequirements
  /** Whether the pod as a whole asks for more. */
  adds: boolean
}

/** `least`: where limits must be given, or zero is too little. */
interface Wishes {
  little: ResourceRequirements
  least: readonly ResourceRequirements[]
}

/** Best first; none that a quota would count. */
function candidatesFor(pod: Pod, namespace: NamespaceFacts | undefined, wishes: Wishes): Candidate[] {
  return possibleFor(pod, namespace, wishes).filter(({ resources, adds }) => {
    // What is counted must also be given, so it does not matter in which list.
    const names = [...ASKED_BY_QUOTA, ...Object.keys({ ...resources.requests, ...resources.limits })]
    return !(adds && namespace && names.some(name => LISTS.some(list => isCounted(namespace, list, name))))
  })
}

function possibleFor(pod: Pod, namespace: NamespaceFacts | undefined, { little, least }: Wishes): Candidate[] {
  const free = (resources: ResourceRequirements): Candidate => ({ resources, adds: false })
  const costly = (resources: ResourceRequirements): Candidate => ({ resources, adds: true })
  const hasQuota = namespace?.hasResourceQuota ?? false
  const none = zeros(pod, hasQuota ? ASKED_BY_QUOTA : [])
  if (hasPodResources(pod.spec.resources)) return [free({}), free(none)]
  switch (qosClass(pod)) {
    case 'BestEffort':
      return hasQuota ? [free(none), free({})] : [free({}), free(none)]
    case 'Guaranteed':
      return least.map(costly)
    case 'Burstable':
      return namespace && !namespace.hasLimitRange ? [costly(little), free(none)] : [free(none), ...least.map(costly)]
  }
}

/**
 * Zero of everything that any container of the pod has, and of what a quota asks of each: then it names the pod's own.
 */
function zeros({ spec }: Pod, asked: readonly string[]): ResourceRequirements {
  const copies = spec.containers.map(copiedResources)
  const of = (list: 'requests' | 'limits') =>
    Object.fromEntries([...copies.flatMap(copy => Object.keys(copy[list] ?? {})), ...asked].map(name => [name, '0']))
  const limits = of('limits')
  const requests = { ...of('requests'), ...limits }
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  }
}

function unfit(why: string): Fit {
  return { kind: 'unfit', sentence: `not gated: the pod's order cannot be kept, ${why}` }
}
