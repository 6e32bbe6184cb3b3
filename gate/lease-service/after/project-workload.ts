import { pick } from '../../../core/pick.ts'
import type { ObjectMeta } from '../../../core/pod.ts'
import { type Endpoint, SERVICE_NAME, type Workload } from './workload-readiness.ts'

/**
 * What is read of a workload: whole, it may have a megabyte, and a namespace that waits for one of them thousands.
 * Whoever begins to read another field adds it here.
 */
export function projectWorkload({ metadata, spec, status, endpoints }: Workload): Workload {
  return {
    metadata: metadataOf(metadata),
    ...(spec && { spec: pick(spec, ['replicas', 'suspend', 'selector']) }),
    ...(status && { status: statusOf(status) }),
    ...(endpoints && { endpoints: endpoints.map(endpointOf) }),
  }
}

function metadataOf(metadata: Workload['metadata']): Workload['metadata'] {
  const service = metadata.labels?.[SERVICE_NAME]
  const owners: ObjectMeta['ownerReferences'] = metadata.ownerReferences?.filter(({ kind }) => kind === 'Service')
  return {
    ...pick(metadata, ['namespace', 'name', 'uid', 'resourceVersion', 'deletionTimestamp', 'generation']),
    ...(service !== undefined && { labels: { [SERVICE_NAME]: service } }),
    ...(owners && owners.length > 0 && { ownerReferences: owners }),
  }
}

function statusOf(status: NonNullable<Workload['status']>): NonNullable<Workload['status']> {
  return {
    ...pick(status, [
      'observedGeneration',
      'replicas',
      'readyReplicas',
      'availableReplicas',
      'desiredNumberScheduled',
      'numberAvailable',
      'numberMisscheduled',
    ]),
    ...(status.conditions && { conditions: status.conditions.map(c => pick(c, ['type', 'status'])) }),
  }
}

function endpointOf({ conditions, targetRef }: Endpoint): Endpoint {
  return {
    ...(conditions && { conditions: pick(conditions, ['ready']) }),
    ...(targetRef && { targetRef: pick(targetRef, ['kind', 'name']) }),
  }
}
