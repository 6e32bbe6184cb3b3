import { CodedError } from '../../../core/errors.ts'
import type { Grant } from '../model/grant.ts'

/** Where a stored grant stands, for conditional writes. */
export interface Version {
  uid: string
  resourceVersion: string
}

/** The object of this key is of a later term: the writer leads no more, or terms have started over. */
export class StaleTermError extends CodedError {
  readonly code = 'STALE_TERM'
  /** Of the object that is there. */
  readonly version: Version
  constructor(message: string, version: Version) {
    super(message)
    this.version = version
  }
}

export interface StoredGrant {
  grant: Grant
  version: Version
}

/**
 * The ledger's durable form: one object a grant, so that a grant is there wholly or not at all. Every write is
 * conditional; contract tests in lease-store.contract.ts hold for each implementation.
 */
export interface LeaseStore {
  /** All grants, by a quorum read. `foreign` names objects of ours that cannot be read as grants. */
  list(): Promise<{ stored: StoredGrant[]; foreign: { name: string; version: Version }[] }>
  /**
   * Makes the grant durable under its term. Without a known version an object of the same key is written over only
   * where it is of this term; fails with StaleTermError where another one's is there. Resolves only when acknowledged.
   */
  put(grant: Grant, known?: Version): Promise<Version>
  /** Deletes the object if it is still at `version`; resolves false where it is not, true when it is gone. */
  remove(key: string, version: Version): Promise<boolean>
}

/**
 * Only who leads knows whether an object of another term is merely old: terms start over when somebody deletes the
 * election Lease.
 */
export async function putAsLeader(
  { store, confirmTerm }: { store: LeaseStore; confirmTerm: () => Promise<boolean> },
  grant: Grant,
  known: Version | undefined,
): Promise<Version> {
  try {
    return await store.put(grant, known)
  } catch (error) {
    if (!(error instanceof StaleTermError) || !(await confirmTerm())) throw error
    return store.put(grant, error.version)
  }
}
