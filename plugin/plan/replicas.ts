import { fieldsOf } from '../../core/is-object.ts'
import type { FoundObject } from '../manifest/objects.ts'

type Json = Record<string, unknown>

/**
 * Pods that an object makes at one time on so many nodes: replicas; of a DaemonSet one a node; of a Job, or of one of a
 * CronJob's, as many as run beside each other. What the API server would refuse is taken for its default.
 */
export function replicasOf({ kind, object }: Pick<FoundObject, 'kind' | 'object'>, nodes: number): number {
  const spec = fieldsOf(object.spec)
  switch (kind) {
    case 'Pod':
      return 1
    case 'DaemonSet':
      return nodes
    case 'Job':
      return jobPods(spec)
    case 'CronJob':
      return jobPods(fieldsOf(fieldsOf(spec.jobTemplate).spec))
    default:
      return count(spec.replicas) ?? 1
  }
}

/** Whether each of its pods is created when the one before it is ready. */
export function isOrdered({ kind, object }: Pick<FoundObject, 'kind' | 'object'>): boolean {
  return kind === 'StatefulSet' && fieldsOf(object.spec).podManagementPolicy !== 'Parallel'
}

function jobPods(spec: Json): number {
  if (spec.suspend === true) return 0
  return Math.min(count(spec.parallelism) ?? 1, count(spec.completions) ?? Number.POSITIVE_INFINITY)
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
