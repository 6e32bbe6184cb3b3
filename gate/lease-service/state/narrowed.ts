import {
  MAX_NODES,
  MAX_PODS,
  MAX_SCOPES,
  type ServiceState,
  STATE_API_VERSION,
  type State,
} from '../../../core/state-api.ts'
import type { RecentEntry, RecentNews, Rows, ScopeState, WaitingGate } from '../../../core/state-rows.ts'
import type { ParsedQuery } from './query.ts'
import type { Snapshot } from './snapshot.ts'

/** Names of scopes and nodes that somebody with the right in one namespace may see. */
interface Seen {
  namespace: string
  scopes: ReadonlySet<string>
  nodes: ReadonlySet<string>
}

/** What a snapshot tells whoever asks this: narrowed down to a namespace, pod or scope, and cut. */
export function narrowed(
  snap: Snapshot,
  query: ParsedQuery,
  by: Pick<ServiceState, 'version'> & { pod: string },
): State {
  const { namespace, pod, scope } = query
  const { term, address, sinceMs } = snap.leader
  const isOurs = (row: { namespace: string; pod: string }): boolean =>
    (namespace === undefined || row.namespace === namespace) && (pod === undefined || row.pod === pod)
  const isAll = namespace === undefined
  const waiting = isAll ? snap.waiting : snap.waiting.filter(isOurs)
  const pods = isAll ? snap.pods : snap.pods.filter(isOurs)
  const seen = isAll ? undefined : seenBy(namespace, snap)
  return {
    apiVersion: STATE_API_VERSION,
    kind: 'State',
    atMs: snap.atMs,
    ...(namespace !== undefined && { namespace }),
    ...(pod !== undefined && { pod }),
    ...(scope !== undefined && { scope }),
    service: { version: by.version, leader: { pod: by.pod, address }, term, sinceMs },
    totals: snap.totals,
    scopes: mostWanted(seen ? snap.scopes.filter(row => isSeen(row, seen)) : snap.scopes),
    waiting: page(scope === undefined ? waiting : waiting.filter(row => row.scope === scope), query),
    nodes: cut(seen ? snap.nodes.filter(({ id }) => seen.nodes.has(id)) : snap.nodes, MAX_NODES),
    pods: cut(pods, MAX_PODS),
    recent: isAll ? snap.recent : recentOf(snap.recent, isOurs),
  }
}

function seenBy(namespace: string, { waiting, pods, nodesOf }: Snapshot): Seen {
  const nodes = new Set(nodesOf.get(namespace))
  const scopes = new Set<string>()
  for (const row of waiting) {
    if (row.namespace !== namespace) continue
    nodes.add(row.node)
    if (row.scope !== undefined) scopes.add(row.scope)
  }
  for (const row of pods) if (row.namespace === namespace) nodes.add(row.node)
  return { namespace, scopes, nodes }
}

function isSeen({ kind, name, scope }: ScopeState, seen: Seen): boolean {
  switch (kind) {
    case 'cluster':
    case 'cluster-rate':
      return true
    case 'node':
      return seen.nodes.has(name)
    case 'registry':
    case 'image':
      return seen.scopes.has(scope)
    case 'namespace':
    case 'namespace-on-node':
    case 'namespace-rate':
      return name === seen.namespace
  }
}

function recentOf(recent: RecentNews, isOurs: (row: RecentEntry) => boolean): RecentNews {
  const ours = <R extends RecentEntry>({ total, items }: Rows<R>): Rows<R> => ({ total, items: items.filter(isOurs) })
  return {
    grants: ours(recent.grants),
    releases: ours(recent.releases),
    timeouts: ours(recent.timeouts),
    failOpens: ours(recent.failOpens),
  }
}

function cut<R>(rows: readonly R[], most: number): Rows<R> {
  return { total: rows.length, items: rows.slice(0, most) }
}

/** Those that somebody waits for are told first. */
function mostWanted(scopes: readonly ScopeState[]): Rows<ScopeState> {
  if (scopes.length <= MAX_SCOPES) return cut(scopes, MAX_SCOPES)
  const [wanted, others] = [scopes.filter(({ gates }) => gates > 0), scopes.filter(({ gates }) => gates === 0)]
  const told = new Set([...wanted, ...others].slice(0, MAX_SCOPES))
  return { total: scopes.length, items: scopes.filter(row => told.has(row)) }
}

/** The part of the line that was asked for. */
function page(rows: readonly WaitingGate[], { limit, after, watch }: ParsedQuery): State['waiting'] {
  const at = after ? startOf(rows, after) : 0
  const items = rows.slice(at, at + limit)
  const end = at + items.length
  const last = items.at(-1)
  return { total: rows.length, items, ...(last && end < rows.length && !watch && { continue: tokenOf(end, last.id) }) }
}

/** After the last gate that was told, while it waits; else as far on as it was. */
function startOf(rows: readonly WaitingGate[], { offset, id }: NonNullable<ParsedQuery['after']>): number {
  const found = rows[offset - 1]?.id === id ? offset - 1 : rows.findIndex(row => row.id === id)
  return found >= 0 ? found + 1 : offset
}

function tokenOf(offset: number, id: string): string {
  return Buffer.from(`${offset} ${id}`).toString('base64url')
}
