import type { ObjectMeta } from '../pod.ts'

/** A `coordination.k8s.io/v1` Lease. Times are RFC 3339 with microseconds and stay text: a Date would cut them. */
export interface Lease {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
  spec?: LeaseSpec
}

export interface LeaseSpec {
  holderIdentity?: string
  leaseDurationSeconds?: number
  acquireTime?: string
  renewTime?: string
  leaseTransitions?: number
}

/** `wallMs` (ms since the epoch) as a Kubernetes MicroTime. */
export function microTime(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, -1)}000Z`
}
