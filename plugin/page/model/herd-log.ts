import type { State } from '../../../core/state-api.ts'
import type { RecentGrant } from '../../../core/state-rows.ts'

/** A herd: from when somebody waited for a start slot until nobody did. */
export interface Herd {
  startedAtMs: number
  /** The page was opened while it ran: who was let go before is not known. */
  isLate: boolean
  /** Gates let go, for start slots. */
  granted: number
  byNamespace: ReadonlyMap<string, number>
  /** Nobody waits since then. */
  quietSinceMs?: number
}

export interface HerdLog {
  /** The one that runs, or ran last. */
  herd?: Herd
  /** Gates let go since the page looks. */
  granted: number
  /** What was told last: of which term, and the number of the latest grant. */
  term?: number
  latest: number
}

export const EMPTY_HERD_LOG: HerdLog = { granted: 0, latest: 0 }

/** A herd is over when nobody has waited for so long: a Deployment's pods do not come all at once. */
const QUIET_MS = 10_000
/** As many as are shown. */
export const MOST_NAMESPACES = 200

/** The log after a state. */
export function herdAfter(log: HerdLog, state: State): HerdLog {
  const { term } = state.service
  const { total, items } = state.recent.grants
  const isFirst = log.term === undefined
  // The numbers of another leader begin anew; so do those of one that was told of for the first time.
  const latest = log.term === term ? log.latest : isFirst ? total : 0
  const fresh = items.filter(grant => Number(grant.id) > latest)
  // More than are told of were let go: they are counted, and their namespaces are not known.
  const untold = Math.max(0, total - latest - fresh.length)
  const starts = fresh.filter(({ resource }) => resource === 'start')
  const count = state.namespace === undefined ? starts.length + untold : starts.length
  const herd = runningAfter(log.herd, state, { starts, count, isFirst })
  return {
    granted: log.granted + count,
    term,
    latest: Math.max(latest, total),
    ...(herd && { herd }),
  }
}

interface Fresh {
  starts: readonly RecentGrant[]
  count: number
  isFirst: boolean
}

function runningAfter(herd: Herd | undefined, state: State, fresh: Fresh): Herd | undefined {
  const { atMs } = state
  const isWaiting = startsWaiting(state) > 0
  const isOver = herd?.quietSinceMs !== undefined && atMs - herd.quietSinceMs >= QUIET_MS
  if (isWaiting && (!herd || isOver)) return grown(newHerd(state, fresh.isFirst), fresh)
  if (!herd || isOver) return herd
  if (isWaiting) {
    const { quietSinceMs: _, ...going } = herd
    return grown(going, fresh)
  }
  return { ...grown(herd, fresh), quietSinceMs: herd.quietSinceMs ?? atMs }
}

function newHerd({ atMs, totals }: State, isLate: boolean): Herd {
  return { startedAtMs: totals.start.sinceMs ?? atMs, isLate, granted: 0, byNamespace: new Map() }
}

function grown(herd: Herd, { starts, count }: Fresh): Herd {
  if (count === 0) return herd
  const byNamespace = new Map(herd.byNamespace)
  for (const { namespace } of starts)
    if (byNamespace.has(namespace) || byNamespace.size < MOST_NAMESPACES)
      byNamespace.set(namespace, (byNamespace.get(namespace) ?? 0) + 1)
  return { ...herd, granted: herd.granted + count, byNamespace }
}

/** Gates that wait for a start slot, of all that the reader may see. */
export function startsWaiting({ namespace, totals, waiting }: State): number {
  if (namespace === undefined) return totals.start.gates
  return waiting.items.length < waiting.total
    ? waiting.total
    : waiting.items.filter(({ resource }) => resource === 'start').length
}
