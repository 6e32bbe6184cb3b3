import type { RowChanges, State, StateChanges } from '../../../core/state-api.ts'
import type { RecentNews, Rows } from '../../../core/state-rows.ts'
import { isSame } from './shared-rows.ts'

interface Row {
  id: string
}

/**
 * What turns `before` into `after`, two answers to one query, by `applyChanges`; undefined when it is nothing but the
 * time.
 */
export function changesBetween(before: State, after: State): StateChanges | undefined {
  const changes = given({
    service: isSame(before.service, after.service) ? undefined : after.service,
    totals: totalsChanges(before.totals, after.totals),
    scopes: rowChanges(before.scopes, after.scopes),
    waiting: rowChanges(before.waiting, after.waiting),
    nodes: rowChanges(before.nodes, after.nodes),
    pods: rowChanges(before.pods, after.pods),
    recent: recentChanges(before.recent, after.recent),
  })
  return changes && { atMs: after.atMs, ...changes }
}

function totalsChanges(before: State['totals'], after: State['totals']): StateChanges['totals'] {
  const { pull, start } = after
  return given({
    pull: isSame(before.pull, pull) ? undefined : pull,
    start: isSame(before.start, start) ? undefined : start,
  })
}

function recentChanges(before: RecentNews, after: RecentNews): StateChanges['recent'] {
  return given({
    grants: rowChanges(before.grants, after.grants),
    releases: rowChanges(before.releases, after.releases),
    timeouts: rowChanges(before.timeouts, after.timeouts),
    failOpens: rowChanges(before.failOpens, after.failOpens),
  })
}

function rowChanges<R extends Row>(before: Rows<R>, after: Rows<R>): RowChanges<R> | undefined {
  if (before.items === after.items && before.total === after.total) return undefined
  const left = new Map(before.items.map(row => [row.id, row]))
  const set: R[] = []
  for (const row of after.items) {
    const former = left.get(row.id)
    if (!former || !isSame(former, row)) set.push(row)
    left.delete(row.id)
  }
  return given({
    total: after.total === before.total ? undefined : after.total,
    set: set.length > 0 ? set : undefined,
    gone: left.size > 0 ? [...left.keys()] : undefined,
  })
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the fields that are undefined; undefined itself when none is left. */
function given<T extends object>(fields: T): Given<T> | undefined {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Given<T>)
}
