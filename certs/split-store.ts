import { fromLeaseService, isLeaseServiceKey, isServingKey, leaseServiceData, type SecretData } from './bundle.ts'
import type { SecretStore, StoredSecret, WriteResult } from './store.ts'

interface Parts {
  serving: StoredSecret | undefined
  leaseService: StoredSecret | undefined
  authority: StoredSecret | undefined
}

/**
 * One store over three Secrets: `serving` has what the webhook serves, `leaseService` what the lease service does,
 * which may read nothing else, and `authority` the CAs' keys. They are not written as one: the authority's comes first,
 * so that whatever signs is stored before what it signed. Whoever reads in between finds a leaf of a CA that no longer
 * signs, which the policy renews.
 */
export function splitSecretStore(stores: Record<keyof Parts, SecretStore>): SecretStore {
  const partsOf = new WeakMap<StoredSecret, Parts>()
  const write = async (parts: Parts, data: SecretData): Promise<WriteResult> => {
    const divided: Record<keyof Parts, SecretData> = {
      authority: pick(data, key => !isServingKey(key) && !isLeaseServiceKey(key)),
      leaseService: leaseServiceData(data),
      serving: pick(data, isServingKey),
    }
    for (const part of ['authority', 'leaseService', 'serving'] as const)
      if ((await put(stores[part], parts[part], divided[part])) === 'Conflict') return 'Conflict'
    return 'Written'
  }
  return {
    async read() {
      const [serving, leaseService, authority] = await Promise.all([
        stores.serving.read(),
        stores.leaseService.read(),
        stores.authority.read(),
      ])
      if (!serving && !leaseService && !authority) return undefined
      const data = { ...fromLeaseService(leaseService?.data ?? {}), ...serving?.data, ...authority?.data }
      const read: StoredSecret = { data, metadata: { ...serving?.metadata } }
      partsOf.set(read, { serving, leaseService, authority })
      return read
    },
    create: data => write({ serving: undefined, leaseService: undefined, authority: undefined }, data),
    replace(read, data) {
      const parts = partsOf.get(read)
      if (!parts) throw new Error('only what this store has read can be replaced')
      return write(parts, data)
    },
  }
}

async function put(store: SecretStore, stored: StoredSecret | undefined, data: SecretData): Promise<WriteResult> {
  if (!stored) return store.create(data)
  return isSame(stored.data, data) ? 'Written' : store.replace(stored, data)
}

function pick(data: SecretData, isWanted: (key: string) => boolean): SecretData {
  return Object.fromEntries(Object.entries(data).filter(([key]) => isWanted(key)))
}

function isSame(a: SecretData, b: SecretData): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key])
}
