import type { Logger } from '../../../core/log.ts'
import type { GrantWriter } from './grant-writer.ts'
import type { LeaseStore, StoredGrant } from './lease-store.ts'

export interface ComparisonDeps {
  store: LeaseStore
  writer: GrantWriter
  isCounted: (key: string) => boolean
  confirmTerm: () => Promise<boolean>
  isStopped: () => boolean
  log: Logger
}

/**
 * Compares what is counted with the Leases that there are. A Lease that nobody counts is deleted; the keys of those
 * that somebody else deleted are returned, and their slots are free.
 */
export async function compareWithStore(deps: ComparisonDeps): Promise<string[]> {
  const { store, writer, isStopped, log } = deps
  const durableBefore = writer.durableUids()
  const { stored } = await store.list()
  if (isStopped()) return []
  const listed = new Set(stored.map(({ grant }) => grant.key))
  await deleteNobodys(deps, stored)
  // Once: it is a copy of all keys.
  const durable = writer.durableUids()
  return [...durableBefore].flatMap(([key, uid]) => {
    // One of another uid was stored since.
    if (listed.has(key) || durable.get(key) !== uid) return []
    log.warn({ lease: key }, 'somebody deleted this Lease: its slots are free')
    writer.forget(key)
    return [key]
  })
}

async function deleteNobodys(deps: ComparisonDeps, stored: StoredGrant[]): Promise<void> {
  const { store, writer, isCounted, confirmTerm, isStopped, log } = deps
  const isNobodys = ({ grant: { key } }: StoredGrant) => !writer.knows(key) && !isCounted(key)
  const left = stored.filter(isNobodys)
  // Once the term is lost they may be the next leader's.
  if (left.length === 0 || !(await confirmTerm())) return
  for (const lease of left) {
    if (isStopped() || !isNobodys(lease)) continue
    log.warn({ lease: lease.grant.key }, 'a Lease nobody holds: deleted')
    await store.remove(lease.grant.key, lease.version)
  }
}
