import type { Pod } from './pod.ts'

/**
 * More than the webhook ever makes of a pod: it gates none of over 500 containers, and adds at most three to each. What
 * has more was made by hand.
 */
export const MAX_CONTAINERS = 2_000

/**
 * Whether a pod with our label is none that the webhook gated: it is neither limited nor counted, and its gates go at
 * once.
 */
export function hasTooManyContainers({ spec }: Pick<Pod, 'spec'>): boolean {
  return spec.containers.length + (spec.initContainers?.length ?? 0) > MAX_CONTAINERS
}
