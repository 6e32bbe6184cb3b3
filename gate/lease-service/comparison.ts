import type { Logger } from '../../core/log.ts'
import type { GrantWriter } from './grant-writer.ts'
import type { LeaseStore } from './lease-store.ts'

export interface ComparisonDeps {
  store: LeaseStore
  writer: GrantWriter
  isCounted: (key: string) => boolean
  isStopped: () => boolean
  log: Logger
}

/**
 * Compares what is counted with the Leases that there are. A Lease that nobody counts is deleted; the keys of those that
 * somebody else deleted are returned, and their slots are free.
 */
export async function compareWithStore(deps: ComparisonDeps): Promise<string[]> {
  const { store, writer, isCounted, isStopped, log } = deps
  const durableBefore = writer.durableKeys()
  const { stored } = await store.list()
  if (isStopped()) return []
  const listed = new Set(stored.map(({ grant }) => grant.key))
  for (const { grant, version } of stored) {
    if (writer.knows(grant.key) || isCounted(grant.key)) continue
    log.warn({ lease: grant.key }, 'a Lease nobody holds: deleted')
    await store.remove(grant.key, version)
  }
  return [...durableBefore].filter(key => {
    if (listed.has(key) || !writer.durableKeys().has(key)) return false
    log.warn({ lease: key }, 'somebody deleted this Lease: its slots are free')
    writer.forget(key)
    return true
  })
}
