import { KubeError } from '../../../core/kube/kube-error.ts'
import type { Lease } from '../../../core/kube/lease.ts'
import type { LeaseApi } from './lease-store.kubernetes.ts'

const error = (status: number, reason: string) => new KubeError(reason, { status, reason })

/** A Lease's values are texts and numbers; `structuredClone` is far slower, and there are very many. */
function copyOf({ metadata, spec, ...rest }: Lease): Lease {
  const { labels, annotations } = metadata
  return {
    ...rest,
    metadata: {
      ...metadata,
      ...(labels && { labels: { ...labels } }),
      ...(annotations && { annotations: { ...annotations } }),
    },
    ...(spec && { spec: { ...spec } }),
  }
}

/**
 * Leases in memory with the API server's rules for conditional writes, for unit tests and the simulation. `nextFault`
 * makes the next write time out, `after` it was carried out: then only the answer is lost.
 */
export class MemoryLeaseApi implements LeaseApi {
  readonly leases = new Map<string, Lease>()
  nextFault: 'before' | 'after' | undefined
  #version = 0

  async listLeases(): Promise<Lease[]> {
    return Array.from(this.leases.values(), copyOf)
  }

  async getLease(_namespace: string, name: string): Promise<Lease> {
    return copyOf(this.#find(name))
  }

  async createLease(lease: Lease): Promise<Lease> {
    if (this.leases.has(lease.metadata.name ?? '')) throw error(409, 'AlreadyExists')
    return this.#store(lease, `uid-${this.#version + 1}`)
  }

  async replaceLease(lease: Lease): Promise<Lease> {
    const { uid = '', name = '' } = lease.metadata
    this.#check(name, lease.metadata)
    return this.#store(lease, uid)
  }

  async deleteLease(
    _namespace: string,
    name: string,
    preconditions: { uid?: string; resourceVersion?: string } = {},
  ): Promise<void> {
    this.#check(name, preconditions)
    this.#takeFault('before')
    this.leases.delete(name)
  }

  #find(name: string): Lease {
    const lease = this.leases.get(name)
    if (!lease) throw error(404, 'NotFound')
    return lease
  }

  #check(name: string, { uid, resourceVersion }: { uid?: string; resourceVersion?: string }): void {
    const { metadata } = this.#find(name)
    if (uid !== metadata.uid || resourceVersion !== metadata.resourceVersion) throw error(409, 'Conflict')
  }

  #store(lease: Lease, uid: string): Lease {
    this.#takeFault('before')
    this.#version++
    const stored = copyOf({
      ...lease,
      metadata: { ...lease.metadata, uid, resourceVersion: `${this.#version}` },
    })
    this.leases.set(lease.metadata.name ?? '', stored)
    this.#takeFault('after')
    return copyOf(stored)
  }

  #takeFault(when: 'before' | 'after'): void {
    if (this.nextFault !== when) return
    this.nextFault = undefined
    throw error(0, 'Timeout')
  }
}
