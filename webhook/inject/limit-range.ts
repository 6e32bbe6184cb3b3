import type { Pod, ResourceRequirements } from '../../core/pod.ts'
import { parseQuantity } from '../../core/quantity.ts'

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

/**
 * Why LimitRanges would refuse one more sidecar with these resources, or give it a memory limit below `memoryFloor`;
 * undefined when they would not. Source: k8s.io/kubernetes/plugin/pkg/admission/limitranger.
 */
export function limitRangeProblem(
  pod: Pod,
  resources: ResourceRequirements,
  { items, memoryFloor }: { items: readonly LimitRangeItem[]; memoryFloor: string },
): string | undefined {
  for (const item of items) {
    const problem =
      item.type === 'Container' ? containerProblem(defaulted(resources, items), item) : podProblem(pod, resources, item)
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

/** A sum that was too large before is not our doing. */
function podProblem(pod: Pod, resources: ResourceRequirements, item: LimitRangeItem): string | undefined {
  if (item.type !== 'Pod') return undefined
  const above = Object.entries(item.max ?? {}).find(([name, max]) => {
    const sum = sumOf(pod, name)
    const most = quantity(max) ?? 0
    return sum <= most && sum + (quantity(resources.limits?.[name]) ?? 0) > most
  })
  return above && `max ${above[0]} of a pod is ${above[1]}`
}

/** Of the limits of all containers that run side by side. */
function sumOf({ spec }: Pod, name: string): number {
  const sidecars = (spec.initContainers ?? []).filter(c => c.restartPolicy === 'Always')
  return [...sidecars, ...spec.containers].reduce((sum, c) => sum + (quantity(c.resources?.limits?.[name]) ?? 0), 0)
}

function less(a: string, b: string): boolean {
  return (quantity(a) ?? 0) < (quantity(b) ?? 0)
}

function quantity(value: string | undefined): number | undefined {
  return parseQuantity(value)
}
