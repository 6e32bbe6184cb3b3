import { compareText } from './compare-text.ts'
import type { RowChanges, State, StateChanges } from './state-api.ts'
import type { RecentNews, Rows, WaitingGate } from './state-rows.ts'

interface Row {
  id: string
}

type Compare<R> = (a: R, b: R) => number

/** Who is next in its line first, whatever the line; then by resource, scope and id. A total order. */
export function compareWaiting(a: WaitingGate, b: WaitingGate): number {
  return (
    a.place - b.place ||
    compareText(a.resource, b.resource) ||
    compareText(a.scope ?? '', b.scope ?? '') ||
    compareText(a.id, b.id)
  )
}

export function compareIds(a: Row, b: Row): number {
  return compareText(a.id, b.id)
}

/** What has a number for its id: the lower first. */
export function compareNumbers(a: Row, b: Row): number {
  return Number(a.id) - Number(b.id)
}

/** The state that a watch shows after `changes`. Changes neither argument. */
export function applyChanges(state: State, changes: StateChanges): State {
  const { atMs, service, totals, scopes, waiting, nodes, pods, recent } = changes
  return {
    ...state,
    atMs,
    service: service ?? state.service,
    totals: totals ? { ...state.totals, ...totals } : state.totals,
    scopes: applied(state.scopes, scopes, compareIds),
    waiting: applied(state.waiting, waiting, compareWaiting),
    nodes: applied(state.nodes, nodes, compareIds),
    pods: applied(state.pods, pods, compareIds),
    recent: recent ? recentAfter(state.recent, recent) : state.recent,
  }
}

function recentAfter(before: RecentNews, changes: NonNullable<StateChanges['recent']>): RecentNews {
  return {
    grants: applied(before.grants, changes.grants, compareNumbers),
    releases: applied(before.releases, changes.releases, compareNumbers),
    timeouts: applied(before.timeouts, changes.timeouts, compareNumbers),
    failOpens: applied(before.failOpens, changes.failOpens, compareNumbers),
  }
}

function applied<R extends Row>(before: Rows<R>, changes: RowChanges<R> | undefined, compare: Compare<R>): Rows<R> {
  if (!changes) return before
  const { total = before.total, set = [], gone = [] } = changes
  const rows = new Map(before.items.map(row => [row.id, row]))
  for (const id of gone) rows.delete(id)
  for (const row of set) rows.set(row.id, row)
  return { total, items: [...rows.values()].sort(compare) }
}
