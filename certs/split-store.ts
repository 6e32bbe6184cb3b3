import { isServingKey, type SecretData } from './bundle.ts'
import type { SecretStore, StoredSecret, WriteResult } from './store.ts'

interface Parts {
  serving: StoredSecret | undefined
  authority: StoredSecret | undefined
}

/**
 * One store over two Secrets: `serving` has what servers and their clients need, `authority` the CAs' keys, which only
 * the webhook may read. The two are not written as one: the authority's comes first, so that whatever signs is stored
 * before what it signed. Whoever reads in between finds a leaf of a CA that no longer signs, which the policy renews.
 */
export function splitSecretStore(stores: Record<keyof Parts, SecretStore>): SecretStore {
  const partsOf = new WeakMap<StoredSecret, Parts>()
  const write = async (parts: Parts, data: SecretData): Promise<WriteResult> => {
    const first = await put(
      stores.authority,
      parts.authority,
      pick(data, key => !isServingKey(key)),
    )
    return first === 'Written' ? put(stores.serving, parts.serving, pick(data, isServingKey)) : first
  }
  return {
    async read() {
      const [serving, authority] = await Promise.all([stores.serving.read(), stores.authority.read()])
      if (!serving && !authority) return undefined
      // A Secret of an older version has all in one; it is divided when it is next written.
      const data = { ...serving?.data, ...authority?.data }
      const read: StoredSecret = { data, metadata: { ...serving?.metadata } }
      partsOf.set(read, { serving, authority })
      return read
    },
    create: data => write({ serving: undefined, authority: undefined }, data),
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
