import { hasRoom, type InUse, isLocal } from '../limits/free-slots.ts'
import type { Scope } from '../limits/scope.ts'
import type { Ticket } from '../model/grant.ts'
import type { Entry } from './contention.ts'

export interface Lines {
  lines: Entry[][]
  /** Those that have room. */
  free: Entry[]
  /** Scopes that others lack room in. */
  full: Set<string>
}

/**
 * One line a namespace. Those of which it is clear from the beginning that they wait for a node or registry stand in
 * lines of their own, with all of their namespace that come later and want the same: they take nothing, so others of
 * their namespace need not wait for their turn.
 */
export function linesOf(entries: readonly Entry[], used: (scope: Scope) => InUse): Lines {
  /** By namespace, and where they wait if they do. */
  const lines = new Map<string, Entry[]>()
  const waitsAt = new Map<string, Set<string>>()
  const free: Entry[] = []
  const full = new Set<string>()
  for (const entry of entries) {
    const { ticket, scopes } = entry
    const { namespace } = ticket
    const lacking = lackingOf(ticket, scopes, used)
    if (lacking.length === 0) free.push(entry)
    else if (lacking.every(isLocal)) for (const { id } of lacking) getOrMake(waitsAt, namespace, newSet).add(id)
    for (const { id } of lacking) full.add(id)
    const there = waitsAt.get(namespace)
    const where = there && scopes.find(({ id }) => there.has(id))
    getOrMake(lines, where ? `${namespace} ${where.id}` : namespace, newLine).push(entry)
  }
  return { lines: [...lines.values()], free, full }
}

const NONE: readonly Scope[] = []

/** The scopes that a ticket lacks room in. Most lack none or one, and there are many. */
export function lackingOf(
  { slots }: Ticket,
  scopes: readonly Scope[],
  used: (scope: Scope) => InUse,
): readonly Scope[] {
  let lacking: Scope[] | undefined
  for (const scope of scopes) {
    if (hasRoom(slots, scope, used(scope))) continue
    if (lacking) lacking.push(scope)
    else lacking = [scope]
  }
  return lacking ?? NONE
}

const newSet = (): Set<string> => new Set()
const newLine = (): Entry[] => []

export function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
