import type { KubeClient } from '../../../core/kube/client.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../../core/kube/kube-error.ts'
import type { Lease } from '../../../core/kube/lease.ts'
import { RESOURCE_LABEL } from '../../../core/names.ts'
import type { Grant } from '../model/grant.ts'
import { decodeLease, encodeLease } from './lease-codec.ts'
import { type LeaseStore, StaleTermError, type Version } from './lease-store.ts'

/** What the store needs of the API server. */
export type LeaseApi = Pick<KubeClient, 'listLeases' | 'getLease' | 'createLease' | 'replaceLease' | 'deleteLease'>

/** A store of Leases in `namespace`. */
export function createKubernetesStore(api: LeaseApi, namespace: string): LeaseStore {
  const overwrite = async (grant: Grant): Promise<Version> => {
    const current = await api.getLease(namespace, grant.key)
    const written = decodeLease(current)
    // Not only a higher one: terms start over when somebody deletes the election Lease.
    if (written && written.term !== grant.term)
      throw new StaleTermError(`${grant.key} belongs to term ${written.term}, not ${grant.term}`, versionOf(current))
    return replace(grant, versionOf(current))
  }
  const replace = async (grant: Grant, { uid, resourceVersion }: Version): Promise<Version> => {
    const lease = encodeLease(grant, namespace)
    return versionOf(await api.replaceLease({ ...lease, metadata: { ...lease.metadata, uid, resourceVersion } }))
  }
  return {
    async list() {
      const leases = await api.listLeases(namespace, RESOURCE_LABEL)
      const read = leases.map(lease => ({
        name: lease.metadata.name ?? '',
        version: versionOf(lease),
        grant: decodeLease(lease),
      }))
      return {
        stored: read.flatMap(({ grant, version }) => (grant ? [{ grant, version }] : [])),
        foreign: read.flatMap(({ grant, name, version }) => (grant ? [] : [{ name, version }])),
      }
    },
    async put(grant, known) {
      if (known) return replace(grant, known)
      try {
        return versionOf(await api.createLease(encodeLease(grant, namespace)))
      } catch (error) {
        // Also after a create that timed out and was carried out all the same.
        if (isAlreadyExists(error)) return overwrite(grant)
        throw error
      }
    },
    async remove(key, version) {
      try {
        await api.deleteLease(namespace, key, version)
        return true
      } catch (error) {
        if (isNotFound(error)) return true
        if (isConflict(error)) return false
        throw error
      }
    },
  }
}

function versionOf(lease: Lease): Version {
  return { uid: lease.metadata.uid ?? '', resourceVersion: lease.metadata.resourceVersion ?? '' }
}
