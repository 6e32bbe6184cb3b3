import type { Logger } from '../../../core/log.ts'
import type { Grant } from '../model/grant.ts'
import type { GrantWriter } from '../store/grant-writer.ts'
import type { LeaseStore, StoredGrant, Version } from '../store/lease-store.ts'

export interface AdoptDeps {
  store: LeaseStore
  /** Number of the term. */
  term: number
  /** By a quorum read of the election Lease. */
  confirmTerm: () => Promise<boolean>
  onTermLost: (reason: string) => void
  writer: Pick<GrantWriter, 'adopt'>
  onListed: (grant: Grant) => void
  log: Logger
}

/**
 * Reads the stored grants and takes note of them all; objects that are no grants are reported and left alone. Resolves
 * false when the term was lost meanwhile; rejects when the API server does not answer.
 */
export async function adoptStored(deps: AdoptDeps): Promise<boolean> {
  const { store, term, confirmTerm, onTermLost, writer, onListed, log } = deps
  const { stored, foreign } = await store.list()
  const isAhead = ({ grant }: StoredGrant): boolean => grant.term > term
  // Either terms have started over, or another replica leads by now and has written these: asked after the list, so
  // that what was in it is nobody else's when the term is still ours.
  if (stored.some(isAhead) && !(await confirmTerm())) {
    onTermLost('the election Lease is no longer ours, and another leader has stored grants')
    return false
  }
  for (const each of stored) {
    const { grant, version } = isAhead(each) ? await madeOurs(store, each, term) : each
    writer.adopt(grant, version)
    onListed(grant)
  }
  for (const { name } of foreign)
    log.warn({ lease: name }, 'this Lease has our label but holds no grant: not counted; delete it')
  log.info({ term, grants: stored.length }, 'leading')
  return true
}

/** Terms start over when somebody deletes the election Lease; one of a higher term could never be written again. */
async function madeOurs(
  store: LeaseStore,
  { grant, version }: StoredGrant,
  term: number,
): Promise<{ grant: Grant; version: Version }> {
  const ours = { ...grant, term }
  return { grant: ours, version: await store.put(ours, version) }
}
