import type { Container, Pod, ResourceRequirements } from '../../core/pod.ts'
import { formatQuantity, parseQuantity } from '../../core/quantity.ts'
import type { LimitRangeItem } from '../cluster/limit-range.ts'
import { amountOf, type ResourceList } from '../pod/pod-totals.ts'
import { type QosClass, qosClass } from '../pod/qos.ts'

/**
 * Devices, huge pages and resource claims are never asked for: ours have no use for them, a device plugin would
 * allocate them once more, and neither QoS nor a quota asks each container for them.
 */
export const OWN_RESOURCES = ['cpu', 'memory', 'ephemeral-storage']
/**
 * Without which a quota of them refuses a container. Source: k8s.io/kubernetes/pkg/quota/v1/evaluator/core, pods.go.
 */
export const ASKED_BY_QUOTA = ['cpu', 'memory']

export interface Constraints {
  /** Empty where there is no LimitRange. */
  items: readonly LimitRangeItem[]
  hasResourceQuota: boolean
  /** As in NamespaceFacts. */
  quotaCounts?: readonly string[]
}

/** Whether a quota counts this, like limits of memory. A quota of `memory` counts requests. */
export function isCounted(constraints: Omit<Constraints, 'items'>, list: ResourceList, name: string): boolean {
  const { hasResourceQuota, quotaCounts } = constraints
  if (!hasResourceQuota || !quotaCounts) return hasResourceQuota
  return quotaCounts.includes(`${list}.${name}`) || (list === 'requests' && quotaCounts.includes(name))
}

/**
 * The least that an init container of ours can ask for in this pod, by the limit that it needs of each resource. In a
 * Guaranteed pod limits and requests are that limit. Else it requests nothing but what a LimitRange demands: an init
 * container's request counts for the pod's whole life, also after the app's was resized. It has a limit where all app
 * containers have one, since the kubelet limits the pod as a whole only then. An explicit zero is "none" to the
 * kubelet, and counts as given. The pod is looked through once, however often the answer is called.
 */
export function leastResources(pod: Pod, constraints: Constraints): (limitFor: LimitFor) => ResourceRequirements {
  const qos = qosClass(pod)
  const demands = OWN_RESOURCES.map(name => demandsOf(name, { pod, qos, constraints }))
  return limitFor => {
    const amounts = demands.map(demand => ({ name: demand.name, ...amountsOf(demand, limitFor) }))
    const [requests, limits] = [listed(amounts, 'request'), listed(amounts, 'limit')]
    return { ...(requests && { requests }), ...(limits && { limits }) }
  }
}

export type LimitFor = (name: string) => number

interface Amounts {
  request?: number
  limit?: number
}

function listed(amounts: ({ name: string } & Amounts)[], list: keyof Amounts): Record<string, string> | undefined {
  const given = amounts.flatMap(amount => {
    const value = amount[list]
    return value === undefined ? [] : [[amount.name, formatQuantity(amount.name, value)]]
  })
  return given.length > 0 ? Object.fromEntries(given) : undefined
}

/** What the pod and its namespace demand of a container of ours, of one resource. */
interface Demands extends Bounds {
  name: string
  isBestEffort: boolean
  /** Requests and limits must be given and equal. */
  isFixed: boolean
  isLimited: boolean
  /** Something must be said of it, if only zero: by a quota; by anything. */
  isAsked: boolean
  isNamed: boolean
}

function demandsOf(
  name: string,
  { pod, qos, constraints }: { pod: Pod; qos: QosClass; constraints: Constraints },
): Demands {
  const { containers } = pod.spec
  const bounds = boundsOf(name, constraints.items)
  const isAsked = constraints.hasResourceQuota && ASKED_BY_QUOTA.includes(name)
  return {
    name,
    ...bounds,
    isBestEffort: qos === 'BestEffort',
    isFixed: qos === 'Guaranteed' && name !== 'ephemeral-storage',
    isLimited: bounds.isDefaulted || containers.every(c => amountOf(c, 'limits', name) > 0),
    isAsked,
    isNamed:
      isAsked ||
      bounds.isGiven ||
      bounds.min > 0 ||
      containers.some(c => name in { ...c.resources?.requests, ...c.resources?.limits }),
  }
}

function amountsOf(demands: Demands, limitFor: LimitFor): Amounts {
  const { name, min, max, ratio, isFixed, isAsked } = demands
  // Anything but zero would take a pod out of this class.
  if (demands.isBestEffort) return isAsked || demands.isGiven ? { request: 0, limit: 0 } : {}
  const wanted = isFixed || demands.isLimited ? limitFor(name) : 0
  if (wanted > 0) {
    const limit = Math.min(Math.max(wanted, min), max)
    return { request: isFixed ? limit : Math.max(min, limit / ratio), limit }
  }
  return demands.isNamed ? { request: min, ...(isAsked && min === 0 && { limit: 0 }) } : {}
}

interface Bounds {
  min: number
  max: number
  ratio: number
  isDefaulted: boolean
  isGiven: boolean
}

/**
 * What LimitRanges demand of a container. `isDefaulted`: one without a limit is given one; `isGiven`: that or a
 * request.
 */
function boundsOf(name: string, items: readonly LimitRangeItem[]): Bounds {
  const none = Number.POSITIVE_INFINITY
  const bounds = { min: 0, max: none, ratio: none, isDefaulted: false, isGiven: false }
  for (const item of items) {
    if (item.type !== 'Container') continue
    const of = (list: Record<string, string> | undefined) => parseQuantity(list?.[name])
    bounds.min = Math.max(bounds.min, of(item.min) ?? 0)
    bounds.max = Math.min(bounds.max, of(item.max) ?? none)
    bounds.ratio = Math.min(bounds.ratio, of(item.maxLimitRequestRatio) ?? none)
    bounds.isDefaulted ||= of(item.default) !== undefined || of(item.max) !== undefined
    bounds.isGiven ||= bounds.isDefaulted || of(item.defaultRequest) !== undefined
  }
  return bounds
}

/** The most that any one app container may use. */
export function largestLimit({ spec }: Pod, name: string): number {
  return spec.containers.reduce((most, container: Container) => Math.max(most, amountOf(container, 'limits', name)), 0)
}
