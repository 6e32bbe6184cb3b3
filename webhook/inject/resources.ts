import type { Container, Pod, ResourceRequirements } from '../../core/pod.ts'
import { parseQuantity } from '../../core/quantity.ts'
import { hasPodResources, qosClass } from '../qos.ts'
import type { NamespaceFacts } from '../settings.ts'

/**
 * What a gate needs to run. Measured (Node 24, TLS, cold page cache, cgroup memory limit): 96Mi starts in 0.7 s, 72Mi in
 * 1.2 s, 64Mi in 4 to 7 s, and with 56Mi and less it reads its own code from disk again and again and never starts.
 * Start-up costs 0.2 s of CPU.
 */
export const MEMORY_FLOOR = '96Mi'
export const CPU_FLOOR = '100m'

/**
 * Devices, huge pages and resource claims are not copied: a gate has no use for them, a device plugin would allocate them
 * once more, and neither QoS nor a quota asks each container for them.
 */
const COPIED = ['cpu', 'memory', 'ephemeral-storage']

export type Fit =
  /** `raised`: what this costs the pod, in a sentence. */
  { kind: 'fits'; resources: ResourceRequirements; raised?: string } | { kind: 'unfit'; sentence: string }

/** A container's cpu, memory and ephemeral storage, requests written out as the API server would default them. */
export function copiedResources(container: Container): ResourceRequirements {
  const limits = pick(container.resources?.limits)
  const requests = { ...limits, ...pick(container.resources?.requests) }
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  }
}

/**
 * The resources of a gate: a copy of one app container's. It never raises what the pod asks for, because that is a
 * maximum, over the init containers, of one of them plus the sidecars before it, and the app containers together weigh
 * more than any one of them; it keeps the QoS class; and quota and LimitRange judge it as they judge its original. If
 * none gives a gate enough memory the limit is raised, and where that could get the pod refused it does not fit.
 */
export function gateResources(pod: Pod, namespace: NamespaceFacts | undefined): Fit {
  const copies = pod.spec.containers.map(copiedResources)
  const fitting = copies.filter(copy => isEnough(copy, 'memory', MEMORY_FLOOR))
  if (hasPodResources(pod.spec.resources)) return sharedFit(pod.spec.resources, fitting[0], namespace)
  const chosen =
    fitting.find(copy => isEnough(copy, 'cpu', CPU_FLOOR)) ?? fitting[0] ?? copies.reduce(larger, copies[0] ?? {})
  const cpu = isEnough(chosen, 'cpu', CPU_FLOOR) ? chosen : fasterIfFree(chosen, pod, namespace)
  if (isEnough(chosen, 'memory', MEMORY_FLOOR)) return { kind: 'fits', resources: cpu }
  return withMemory(cpu, pod, namespace)
}

/**
 * The resources of a gate that runs a shell only: a copy of the container it stands before. What it then weighs is what that
 * container weighs next, and so it is free also where sidecars run already.
 */
export function sequenceGateResources(
  container: Container,
  pod: Pod,
  namespace: NamespaceFacts | undefined,
): ResourceRequirements {
  const isShared = hasPodResources(pod.spec.resources) && namespace && !namespace.hasLimitRange
  return isShared ? {} : copiedResources(container)
}

/**
 * With resources of the pod as a whole a gate shares them and has none of its own, except under a LimitRange: its defaults
 * for a container could exceed the pod's, so there it is a copy.
 */
function sharedFit(
  podLevel: ResourceRequirements,
  copy: ResourceRequirements | undefined,
  namespace: NamespaceFacts | undefined,
): Fit {
  if (!isEnough(podLevel, 'memory', MEMORY_FLOOR)) {
    return { kind: 'unfit', sentence: tooSmall(`the pod's memory limit is ${podLevel.limits?.memory}`) }
  }
  if (namespace && !namespace.hasLimitRange) return { kind: 'fits', resources: {} }
  return copy
    ? { kind: 'fits', resources: copy }
    : { kind: 'unfit', sentence: tooSmall('memory limits here are smaller, under a LimitRange') }
}

function withMemory(copy: ResourceRequirements, pod: Pod, namespace: NamespaceFacts | undefined): Fit {
  const isGuaranteed = qosClass(pod) === 'Guaranteed'
  const isFree = quantity(MEMORY_FLOOR) <= total(pod, 'memory')
  // A LimitRange can forbid the limit itself or its ratio to the request; a quota counts the pod's total.
  const mayBeRefused = !namespace || namespace.hasLimitRange || (namespace.hasResourceQuota && !isFree)
  if (mayBeRefused) {
    const constraint = !namespace || namespace.hasLimitRange ? 'a LimitRange' : 'a ResourceQuota'
    return { kind: 'unfit', sentence: tooSmall(`memory limits here are smaller, under ${constraint}`) }
  }
  const resources = raised(copy, 'memory', MEMORY_FLOOR, isGuaranteed)
  if (!isGuaranteed || isFree) return { kind: 'fits', resources }
  return { kind: 'fits', resources, raised: `gates raise the pod's memory request to ${MEMORY_FLOOR}` }
}

/** Little CPU only makes a gate slow, so more is taken only where nobody counts it. */
function fasterIfFree(copy: ResourceRequirements, pod: Pod, namespace: NamespaceFacts | undefined) {
  if (!namespace || namespace.hasLimitRange || qosClass(pod) === 'Guaranteed') return copy
  if (namespace.hasResourceQuota && quantity(CPU_FLOOR) > total(pod, 'cpu')) return copy
  return raised(copy, 'cpu', CPU_FLOOR, false)
}

function raised(copy: ResourceRequirements, name: string, to: string, withRequest: boolean): ResourceRequirements {
  return {
    requests: withRequest ? { ...copy.requests, [name]: to } : { ...copy.requests },
    limits: { ...copy.limits, [name]: to },
  }
}

function tooSmall(why: string): string {
  return `not gated: a gate needs ${MEMORY_FLOOR} of memory and ${why}`
}

/** A limit of zero is none. */
export function isEnough(resources: ResourceRequirements, name: string, floor: string): boolean {
  const limit = quantity(resources.limits?.[name])
  return limit === 0 || limit >= quantity(floor)
}

function larger(a: ResourceRequirements, b: ResourceRequirements): ResourceRequirements {
  return quantity(b.limits?.memory) > quantity(a.limits?.memory) ? b : a
}

/** Sum of the app containers' limits. */
function total(pod: Pod, name: string): number {
  return pod.spec.containers.reduce((sum, container) => sum + quantity(container.resources?.limits?.[name]), 0)
}

function quantity(value: string | undefined): number {
  return parseQuantity(value) ?? 0
}

function pick(list: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => COPIED.includes(name)))
}
