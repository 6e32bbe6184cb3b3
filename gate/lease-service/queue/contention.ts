import { type InUse, isOwn } from '../limits/free-slots.ts'
import type { Scope } from '../limits/scope.ts'
import type { Ticket } from '../model/grant.ts'

/** A ticket and the limits in force for it. */
export interface Entry {
  ticket: Ticket
  scopes: Scope[]
}

interface Demand {
  scope: Scope
  slots: number
  largest: number
}

/**
 * The scopes, of those that namespaces share, in which not all of these tickets have room together. Only there it
 * matters who goes first. What a node cannot start does not press on the cluster: of a node's tickets only as many
 * count there as the node has room for.
 */
export function contendedScopes(entries: readonly Entry[], used: (scope: Scope) => InUse): Set<string> {
  const roomIn = (scope: Scope): number => {
    const { inUse, debt } = used(scope)
    return scope.limit - inUse - debt
  }
  const demands = [...demandsOf(entries).values()]
  const ofNodes = demands.reduce(
    (sum, { scope, slots, largest }) => sum + (isNode(scope) ? Math.min(slots, Math.max(roomIn(scope), largest)) : 0),
    0,
  )
  const isContended = ({ scope, slots }: Demand): boolean =>
    (isNode(scope) || ofNodes === 0 ? slots : Math.min(slots, ofNodes)) > roomIn(scope)
  return new Set(demands.filter(isContended).map(({ scope }) => scope.id))
}

function demandsOf(entries: readonly Entry[]): Map<string, Demand> {
  const demands = new Map<string, Demand>()
  for (const { ticket, scopes } of entries)
    for (const scope of scopes) {
      if (isOwn(scope)) continue
      const demand = demands.get(scope.id) ?? { scope, slots: 0, largest: 0 }
      demand.slots += ticket.slots
      demand.largest = Math.max(demand.largest, ticket.slots)
      demands.set(scope.id, demand)
    }
  return demands
}

function isNode({ at }: Scope): boolean {
  return at.kind === 'node'
}
