import type { Container, Pod, ResourceRequirements } from '../../core/pod.ts'
import { formatQuantity, parseQuantity } from '../../core/quantity.ts'
import { limitRangeProblem } from '../cluster/limit-range.ts'
import type { NamespaceFacts } from '../cluster/settings.ts'
import { amountOf, roomFor, sidecarAmount } from '../pod/pod-totals.ts'
import { hasPodResources, qosClass } from '../pod/qos.ts'
import { type Constraints, isCounted, largestLimit, leastResources, OWN_RESOURCES } from './least-resources.ts'

/**
 * What a gate needs to run. Measured (Node 24, TLS, cold page cache, cgroup memory limit): 96Mi starts in 0.7 s, 72Mi
 * in
 * 1.2 s, 64Mi in 4 to 7 s, and with 56Mi and less it reads its own code from disk again and again and never starts.
 * Start-up costs 0.2 s of CPU.
 */
export const MEMORY_FLOOR = '96Mi'
export const CPU_FLOOR = '100m'
/** For a gate that runs a shell only; the container runtime's own start needs some 10 MiB of it. */
export const SHELL_MEMORY = '32Mi'

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
 * The resources of a gate, and of an image step beside it: the least that keeps the pod's QoS class and that
 * LimitRanges and quota admit. The pod as a whole asks for more only where a gate cannot do with less and no quota
 * counts it; that is said. Where a gate would not fit, the sentence says why.
 */
export function gateResources(pod: Pod, namespace: NamespaceFacts | undefined, floor: string = MEMORY_FLOOR): Fit {
  if (hasPodResources(pod.spec.resources)) return sharedFit(pod, pod.spec.resources, namespace, floor)
  const constraints = constraintsOf(namespace)
  if (!constraints) return copyFit(pod, floor)
  const resources = leastResources(pod, constraints)(name => gateLimit(pod, name, constraints, floor))
  const problem = problemOf(pod, resources, constraints, floor)
  if (problem) return { kind: 'unfit', sentence: tooSmall(problem, floor) }
  const raised = OWN_RESOURCES.filter(name => exceeds(pod, resources, 'requests', name))
  if (raised.length === 0) return { kind: 'fits', resources }
  return { kind: 'fits', resources, raised: raised.map(name => raisedSentence(pod, resources, name)).join(', ') }
}

/**
 * The same of a gate that waits through its node's waiter. A shell needs little, and no pod is too small for it; it has
 * as much as the Node program where that costs the pod nothing, so that it can become that where no waiter is.
 */
export function waiterGateResources(pod: Pod, namespace: NamespaceFacts | undefined): Fit {
  const whole = gateResources(pod, namespace)
  return whole.kind === 'fits' && whole.raised === undefined ? whole : gateResources(pod, namespace, SHELL_MEMORY)
}

/** Whether the pod as a whole has too little memory for the Node program, which a container of it cannot tell. */
export function isTooSmallForNode({ spec }: Pod): boolean {
  return hasPodResources(spec.resources) && !isEnough(spec.resources, 'memory', MEMORY_FLOOR)
}

/**
 * The resources of each gate that runs a shell only, by the container it stands before. It stands after sidecars and
 * never has more than that container, so it is free there too.
 */
export function sequenceGateResources(
  pod: Pod,
  namespace: NamespaceFacts | undefined,
): (container: Container) => ResourceRequirements {
  if (hasPodResources(pod.spec.resources)) {
    const isShared = namespace && !namespace.hasLimitRange
    return container => (isShared ? {} : copiedResources(container))
  }
  const constraints = constraintsOf(namespace)
  if (!constraints) return copiedResources
  const most: Record<string, number> = { memory: quantity(SHELL_MEMORY), ...(isGuaranteed(pod) && { cpu: CPU }) }
  const least = leastResources(pod, constraints)
  const items = constraints.items.filter(({ type }) => type === 'Container')
  return container => {
    const resources = least(name =>
      Math.min(most[name] ?? Number.POSITIVE_INFINITY, amountOf(container, 'limits', name)),
    )
    const problem = limitRangeProblem(pod, resources, { items, memoryFloor: '0', as: 'init' })
    return problem ? copiedResources(container) : resources
  }
}

const CPU = quantity(CPU_FLOOR)

/** Undefined while it is not known what judges containers here: the namespace is then new, or this program. */
function constraintsOf(namespace: NamespaceFacts | undefined): Constraints | undefined {
  if (!namespace) return undefined
  const items = namespace.hasLimitRange ? namespace.limitRanges : []
  const { hasResourceQuota, quotaCounts } = namespace
  return items && { items, hasResourceQuota, ...(quotaCounts && { quotaCounts }) }
}

/**
 * Memory as needed. Little CPU only makes a gate slow: in a Guaranteed pod, where it is reserved, it has no more than
 * needed and never more than the pod; elsewhere as much as the app, and the floor where no quota counts it.
 */
function gateLimit(pod: Pod, name: string, constraints: Constraints, floor: string): number {
  if (name === 'memory') return quantity(floor)
  if (name !== 'cpu') return largestLimit(pod, name)
  if (isGuaranteed(pod)) return Math.min(CPU, roomFor(pod, 'requests', name))
  const wanted = Math.max(CPU, largestLimit(pod, name))
  return isCounted(constraints, 'limits', name) ? Math.min(wanted, roomFor(pod, 'limits', name)) : wanted
}

function problemOf(
  pod: Pod,
  resources: ResourceRequirements,
  constraints: Constraints,
  floor: string,
): string | undefined {
  const { items } = constraints
  if (!isEnough(resources, 'memory', floor)) {
    return `memory limits here are smaller, under a LimitRange (max memory is ${resources.limits?.memory})`
  }
  const over = OWN_RESOURCES.find(name =>
    (['requests', 'limits'] as const).some(
      list => isCounted(constraints, list, name) && exceeds(pod, resources, list, name),
    ),
  )
  if (over) return `${over} limits here are smaller, under a ResourceQuota`
  const problem = limitRangeProblem(pod, resources, { items, memoryFloor: floor, as: 'init' })
  return problem && `does not fit, ${problem}`
}

function exceeds(pod: Pod, resources: ResourceRequirements, list: 'requests' | 'limits', name: string): boolean {
  return quantity(resources[list]?.[name]) > roomFor(pod, list, name)
}

function raisedSentence(pod: Pod, resources: ResourceRequirements, name: string): string {
  const total = sidecarAmount(pod, 'requests', name) + quantity(resources.requests?.[name])
  return `gates raise the pod's ${name} request to ${formatQuantity(name, total)}`
}

/**
 * With resources of the pod as a whole a gate shares them and has none of its own, except under a LimitRange: its
 * defaults for a container could exceed the pod's, so there it is a copy.
 */
function sharedFit(
  pod: Pod,
  podLevel: ResourceRequirements,
  namespace: NamespaceFacts | undefined,
  floor: string,
): Fit {
  if (!isEnough(podLevel, 'memory', floor)) {
    return { kind: 'unfit', sentence: tooSmall(`the pod's memory limit is ${podLevel.limits?.memory}`, floor) }
  }
  return namespace && !namespace.hasLimitRange ? { kind: 'fits', resources: {} } : copyFit(pod, floor)
}

/**
 * A copy of an app container's resources: quota and LimitRange judge it as they judge its original, it keeps the QoS
 * class, and it never raises what the pod asks for.
 */
function copyFit(pod: Pod, floor: string): Fit {
  const copies = pod.spec.containers.map(copiedResources).filter(copy => isEnough(copy, 'memory', floor))
  const copy = copies.find(candidate => isEnough(candidate, 'cpu', CPU_FLOOR)) ?? copies[0]
  return copy
    ? { kind: 'fits', resources: copy }
    : { kind: 'unfit', sentence: tooSmall('memory limits here are smaller, under a LimitRange', floor) }
}

function tooSmall(why: string, floor: string): string {
  return `not gated: a gate needs ${floor} of memory and ${why}`
}

/** A limit of zero is none. */
export function isEnough(resources: ResourceRequirements, name: string, floor: string): boolean {
  const limit = quantity(resources.limits?.[name])
  return limit === 0 || limit >= quantity(floor)
}

function isGuaranteed(pod: Pod): boolean {
  return qosClass(pod) === 'Guaranteed'
}

function quantity(value: string | undefined): number {
  return parseQuantity(value) ?? 0
}

function pick(list: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => OWN_RESOURCES.includes(name)))
}
