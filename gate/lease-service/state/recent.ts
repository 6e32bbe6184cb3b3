import { MAX_RECENT } from '../../../core/state-api.ts'
import type { RecentEntry, RecentNews, Rows } from '../../../core/state-rows.ts'
import { type Grant, isFree, type ReleaseReason, type SlotTimeout } from '../model/grant.ts'
import type { FailOpen } from '../pods/fail-open-records.ts'

/** What happened of late in one term. */
export interface Recent {
  granted(grant: Grant, waitedMs: number): void
  released(grant: Grant, reason: ReleaseReason): void
  timedOut(timeout: SlotTimeout): void
  failedOpen(pod: { namespace: string; name: string }, record: FailOpen): void
  /** A copy, so that what happens later does not change it. */
  rows(): RecentNews
}

/** Grants whose time is remembered; there are as many as slots, and some that were revoked and never released. */
const MOST_GRANTS = 20_000

/** Keeps the latest of each kind. `wallMs`: for people. */
export function createRecent(wallMs: () => number): Recent {
  const grants = new Ring<RecentNews['grants']['items'][number]>()
  const releases = new Ring<RecentNews['releases']['items'][number]>()
  const timeouts = new Ring<RecentNews['timeouts']['items'][number]>()
  const failOpens = new Ring<RecentNews['failOpens']['items'][number]>()
  const grantedAtMs = new Map<string, number>()
  return {
    granted(grant, waitedMs) {
      const { containers, slots } = grant
      const atMs = wallMs()
      grants.add({ ...entryOf(grant, atMs), containers, slots, waitedMs: Math.round(waitedMs) })
      if (!isFree(grant)) grantedAtMs.set(grant.key, atMs)
      const oldest = grantedAtMs.keys().next()
      if (grantedAtMs.size > MOST_GRANTS && !oldest.done) grantedAtMs.delete(oldest.value)
    },
    released(grant, reason) {
      const atMs = wallMs()
      // One of an earlier leader has its stamp from its Lease.
      const since = grantedAtMs.get(grant.key) ?? (grant.grantedAtMs || atMs)
      grantedAtMs.delete(grant.key)
      releases.add({ ...entryOf(grant, atMs), reason, heldMs: Math.max(0, atMs - since) })
    },
    timedOut({ grant, container }) {
      timeouts.add({ ...entryOf(grant, wallMs()), container, timeoutMs: grant.timeoutMs })
    },
    failedOpen({ namespace, name }, { gate, waitedMs, finishedAtMs, reason = '' }) {
      failOpens.add({ atMs: finishedAtMs, namespace, pod: name, gate, waitedMs: Math.round(waitedMs), reason })
    },
    rows: () => ({
      grants: grants.rows(),
      releases: releases.rows(),
      timeouts: timeouts.rows(),
      failOpens: failOpens.rows(),
    }),
  }
}

function entryOf({ resource, namespace, podName, gate, nodeName }: Grant, atMs: number) {
  return { atMs, namespace, pod: podName, gate, resource, node: nodeName }
}

class Ring<R extends RecentEntry> {
  readonly #items: R[] = []
  #total = 0

  add(entry: Omit<R, 'id'>): void {
    this.#total += 1
    this.#items.push({ ...entry, id: String(this.#total) } as R)
    if (this.#items.length > MAX_RECENT) this.#items.shift()
  }

  rows(): Rows<R> {
    return { total: this.#total, items: [...this.#items] }
  }
}
