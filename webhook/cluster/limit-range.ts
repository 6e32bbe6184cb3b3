import type { Pod, ResourceRequirements } from '../../core/pod.ts'
import { parseQuantity } from '../../core/quantity.ts'
import { amountOf, effectiveAmount, type ResourceList, sidecarAmount } from '../pod/pod-totals.ts'

type Quantities = Record<string, string>

/** One entry of a LimitRange's `spec.limits`. */
export interface LimitRangeItem {
  type: string
  min?: Quantities
  max?: Quantities
  default?: Quantities
  defaultRequest?: Quantities
  maxLimitRequestRatio?: Quantities
}

export interface LimitRangeQuestion {
  items: readonly LimitRangeItem[]
  memoryFloor: string
  /** Whether the container would run beside all others or end before the app containers start. */
  as: 'sidecar' | 'init'
}

/**
 * Why LimitRanges would refuse one more container with these resources, or give it a memory limit below `memoryFloor`;
 * undefined when they would not. Source: k8s.io/kubernetes/plugin/pkg/admission/limitranger.
 */
export function limitRangeProblem(
  pod: Pod,
  resources: ResourceRequirements,
  { items, memoryFloor, as }: LimitRangeQuestion,
): string | undefined {
  const total: Total = (list, name) => totalWith(pod, { resources, as }, list, name)
  for (const item of items) {
    const problem =
      item.type === 'Container' ? containerProblem(defaulted(resources, items), item) : podProblem(total, item)
    if (problem) return `under a LimitRange (${problem})`
  }
  const limit = quantity(defaulted(resources, items).limits?.memory)
  if (!limit || limit >= (quantity(memoryFloor) ?? 0)) return undefined
  return `under a LimitRange whose default memory limit is below ${memoryFloor}`
}

function defaulted(resources: ResourceRequirements, items: readonly LimitRangeItem[]): ResourceRequirements {
  const containers = items.filter(({ type }) => type === 'Container')
  const limits = Object.assign({}, ...containers.map(item => item.default ?? {}), resources.limits)
  const requests = Object.assign({}, ...containers.map(item => item.defaultRequest ?? {}), resources.requests)
  return { requests, limits }
}

function containerProblem({ requests, limits }: ResourceRequirements, item: LimitRangeItem): string | undefined {
  const below = Object.entries(item.min ?? {}).find(
    ([name, min]) => less(requests?.[name] ?? '0', min) || less(limits?.[name] ?? min, min),
  )
  if (below) return `min ${below[0]} is ${below[1]}`
  const above = Object.entries(item.max ?? {}).find(
    ([name, max]) => limits?.[name] === undefined || less(max, limits[name]) || less(max, requests?.[name] ?? '0'),
  )
  if (above) return `max ${above[0]} is ${above[1]}`
  const steep = Object.entries(item.maxLimitRequestRatio ?? {}).find(([name, ratio]) => {
    const [request, limit] = [quantity(requests?.[name]) ?? 0, quantity(limits?.[name]) ?? 0]
    return request === 0 || limit === 0 || limit / request > (quantity(ratio) ?? 0)
  })
  return steep && `maxLimitRequestRatio of ${steep[0]} is ${steep[1]}`
}

/** A total that was refused before is not our doing. */
function podProblem(total: Total, item: LimitRangeItem): string | undefined {
  if (item.type !== 'Pod') return undefined
  const above = Object.entries(item.max ?? {}).find(([name, max]) => {
    const { before, after } = total('limits', name)
    const most = quantity(max) ?? 0
    return before <= most && after > most
  })
  if (above) return `max ${above[0]} of a pod is ${above[1]}`
  const steep = Object.entries(item.maxLimitRequestRatio ?? {}).find(([name, ratio]) => {
    const [limits, requests] = [total('limits', name), total('requests', name)]
    const most = quantity(ratio) ?? 0
    return limits.before <= most * requests.before && limits.after > most * requests.after
  })
  return steep && `maxLimitRequestRatio of ${steep[0]} of a pod is ${steep[1]}`
}

type Total = (list: ResourceList, name: string) => { before: number; after: number }

function totalWith(
  pod: Pod,
  { resources, as }: { resources: ResourceRequirements; as: LimitRangeQuestion['as'] },
  list: ResourceList,
  name: string,
): ReturnType<Total> {
  const before = effectiveAmount(pod, list, name)
  const amount = amountOf({ name: '', resources }, list, name)
  const after = as === 'sidecar' ? before + amount : Math.max(before, sidecarAmount(pod, list, name) + amount)
  return { before, after }
}

function less(a: string, b: string): boolean {
  return (quantity(a) ?? 0) < (quantity(b) ?? 0)
}

function quantity(value: string | undefined): number | undefined {
  return parseQuantity(value)
}
