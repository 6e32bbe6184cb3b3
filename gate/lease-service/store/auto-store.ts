import { isAlreadyExists, isConflict } from '../../../core/kube/kube-error.ts'
import type { Lease } from '../../../core/kube/lease.ts'
import { AUTO_LABEL } from '../../../core/names.ts'
import type { LearnedLimits } from '../auto/learned.ts'
import { readLearned, SHARDS, shardsOf, textOf } from './auto-codec.ts'
import type { LeaseApi } from './lease-store.kubernetes.ts'

/** What automatic limits were found, for the leader after this one. Times are wall clock ms. */
export interface AutoStore {
  /** All that is readable. Rejects when the API server does not answer. */
  load(): Promise<LearnedLimits>
  /** Writes what is not written yet. What another leader has written meanwhile stays. Rejects as `load` does. */
  save(learned: LearnedLimits): Promise<void>
}

const ANNOTATION = 'startgate.dev/auto-limits'
const nameOf = (shard: number): string => `startgate-auto-${shard}`

type Api = Pick<LeaseApi, 'listLeases' | 'createLease' | 'replaceLease'>

/** A few Leases in `namespace`, each with a part of the nodes. One store a term: it remembers what it has read. */
export function createAutoStore(api: Api, namespace: string): AutoStore {
  const known = new Map<string, Lease>()
  /** Somebody has written, or a write of ours was carried out although its answer was lost. */
  let isStale = false
  const list = async (): Promise<Lease[]> => {
    const leases = await api.listLeases(namespace, AUTO_LABEL)
    // Somebody may have deleted some.
    known.clear()
    for (const lease of leases) known.set(lease.metadata.name ?? '', lease)
    isStale = false
    return leases
  }
  const write = async (name: string, text: string): Promise<void> => {
    const before = known.get(name)
    const lease = leaseOf({ namespace, name }, text, before)
    try {
      known.set(name, before ? await api.replaceLease(lease) : await api.createLease(lease))
    } catch (error) {
      isStale = true
      if (!isConflict(error) && !isAlreadyExists(error)) throw error
    }
  }
  return {
    async load() {
      const leases = await list()
      return readLearned(leases.map(textIn))
    },
    async save(learned) {
      if (isStale) await list()
      for (const [shard, entries] of shardsOf(learned, SHARDS).entries()) {
        const [name, text] = [nameOf(shard), textOf(entries)]
        const written = known.get(name)
        if (written ? textIn(written) !== text : entries.length > 0) await write(name, text)
      }
    },
  }
}

function textIn({ metadata }: Lease): string | undefined {
  return metadata.annotations?.[ANNOTATION]
}

function leaseOf(of: { namespace: string; name: string }, text: string, before: Lease | undefined): Lease {
  const { uid, resourceVersion } = before?.metadata ?? {}
  return {
    metadata: {
      ...of,
      labels: { [AUTO_LABEL]: 'true', 'app.kubernetes.io/managed-by': 'startgate' },
      annotations: { [ANNOTATION]: text },
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
    spec: { holderIdentity: 'start limits that nodes found' },
  }
}
