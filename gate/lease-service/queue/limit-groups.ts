import { isLocal } from '../limits/free-slots.ts'
import type { Scope } from '../limits/scope.ts'
import type { Ticket } from '../model/grant.ts'
import { compareAge, compareTickets } from './compare-tickets.ts'
import type { Line } from './line-up.ts'
import { getOrMake } from './lines.ts'

/** A decision by which nobody went: it stands as long as nothing that it went by has changed. */
interface Kept {
  tickets: readonly Ticket[]
  first: string | undefined
  line: Line
}

/** Tickets that are decided on together. */
export interface Group {
  /** Undefined when something may be other than it was at the last decision. */
  kept: Kept | undefined
  /** It is one with that group. */
  into: Group | undefined
  /** Those that were gathered last, and in which round that was. */
  gathered: Ticket[]
  round: number
}

/** Tickets of one place have the same limits. */
interface Place {
  readonly ticket: Ticket
  scopes: Scope[]
  weight: number
  readonly group: Group
}

export interface LimitGroupsFacts {
  /** The limits in force for a ticket. */
  scopesOf: (ticket: Ticket) => Scope[]
  weightOf: (namespace: string) => number
}

/** All places are forgotten, with groups that need no longer be one, when so many times more than tickets were made. */
const MOST_PLACES_PER_TICKET = 4
const FEW_PLACES = 1_000
const NOTHING = { tickets: [], places: [] }

/**
 * Puts the tickets of one resource into groups, so that those of different groups have no limit in common, neither
 * directly nor through others: what is decided in one group is nothing to the others. With limits of nodes alone each
 * node is one; with a limit of the cluster all are one.
 */
export class LimitGroups {
  readonly #facts: LimitGroupsFacts
  /** By node, then by what else of a ticket its limits depend on. */
  #places = new Map<string, Map<string, Place>>()
  /** Places that were made since all were forgotten. */
  #placesMade = 0
  readonly #byScope = new Map<string, Group>()
  #version: number | undefined
  #round = 0
  /** What was gathered last, while its places stand. */
  #last: { tickets: readonly Ticket[]; places: readonly Place[] } = NOTHING

  constructor(facts: LimitGroupsFacts) {
    this.#facts = facts
  }

  /**
   * To be called when limits may have changed, as `version` tells; undefined: they always may have. Places of other
   * tickets than these are forgotten: nobody keeps up to date what their limits go by. A group is made anew where a
   * limit went that may have made it of many (the cluster's while it was frozen): each step would decide on all of it.
   */
  look(version: number | undefined, tickets: readonly Ticket[]): void {
    if (version !== undefined && version === this.#version) return
    this.#version = version
    this.#last = NOTHING
    const before = this.#places
    this.#places = new Map()
    const mayPart: Group[] = []
    try {
      for (const ticket of tickets) {
        const name = nameOf(ticket)
        const onNode = getOrMake(this.#places, ticket.nodeName, newPlaces)
        const place = onNode.has(name) ? undefined : before.get(ticket.nodeName)?.get(name)
        if (!place) continue
        if (this.#lookAt(place)) mayPart.push(place.group)
        onNode.set(name, place)
      }
      if (mayPart.length > 0) this.#part(new Set(mayPart.map(rootOf)))
    } catch {
      // Whose limits cannot be told is found out when it is asked for.
      this.#forgetAll()
    }
  }

  /** Something that counts in a scope has changed. */
  changed(scopeId: string): void {
    const group = this.#byScope.get(scopeId)
    if (group) rootOf(group).kept = undefined
  }

  scopesOf(ticket: Ticket): Scope[] {
    return this.#placeOf(ticket).scopes
  }

  groupOf(ticket: Ticket): Group {
    return rootOf(this.#placeOf(ticket).group)
  }

  /** The tickets of each group, in their order. */
  gather(tickets: readonly Ticket[]): [Group, Ticket[]][] {
    if (this.#placesMade > FEW_PLACES + MOST_PLACES_PER_TICKET * tickets.length) this.#forgetAll()
    // First all places: one may join two groups.
    const places = this.#placesOf(tickets)
    this.#round += 1
    const groups: Group[] = []
    for (const [i, ticket] of tickets.entries()) {
      const place = places[i]
      if (!place) continue
      const group = rootOf(place.group)
      if (group.round !== this.#round) {
        group.round = this.#round
        group.gathered = []
        groups.push(group)
      }
      group.gathered.push(ticket)
    }
    return groups.map(group => [group, group.gathered])
  }

  /** Most tickets are those of the last time, in the same order: to look up each costs more than all else of a step. */
  #placesOf(tickets: readonly Ticket[]): Place[] {
    const { tickets: before, places: known } = this.#last
    let at = 0
    const places = tickets.map(ticket => {
      for (let there = before[at]; there && there !== ticket; there = before[at]) {
        if (compareTickets(there, ticket) >= 0) return this.#placeOf(ticket)
        at += 1
      }
      return known[at++] ?? this.#placeOf(ticket)
    })
    this.#last = { tickets, places }
    return places
  }

  #placeOf(ticket: Ticket): Place {
    const onNode = getOrMake(this.#places, ticket.nodeName, newPlaces)
    const name = nameOf(ticket)
    return onNode.get(name) ?? this.#add(ticket, onNode, name)
  }

  #add(ticket: Ticket, onNode: Map<string, Place>, name: string): Place {
    const { scopesOf, weightOf } = this.#facts
    const scopes = scopesOf(ticket)
    const group: Group = { kept: undefined, into: undefined, gathered: [], round: 0 }
    for (const { id } of scopes) this.#join(id, group)
    const place = { ticket, scopes, weight: weightOf(ticket.namespace), group }
    onNode.set(name, place)
    this.#placesMade += 1
    return place
  }

  /** What uses a scope belongs together. */
  #join(scopeId: string, group: Group): void {
    const there = rootOf(getOrMake(this.#byScope, scopeId, () => group))
    const own = rootOf(group)
    there.kept = undefined
    if (own !== there) own.into = there
  }

  /** Returns whether a limit went that others than the tickets of one node have, or of one image or registry. */
  #lookAt(place: Place): boolean {
    const scopes = this.#facts.scopesOf(place.ticket)
    const weight = this.#facts.weightOf(place.ticket.namespace)
    if (weight === place.weight && haveSame(scopes, place.scopes)) return false
    const group = rootOf(place.group)
    group.kept = undefined
    // Groups only grow; a limit of a node, registry or image that went may keep some together that need not be.
    for (const { id } of scopes) this.#join(id, place.group)
    const mayPart = place.scopes.some(scope => !isLocal(scope) && !scopes.some(({ id }) => id === scope.id))
    place.scopes = scopes
    place.weight = weight
    return mayPart
  }

  /** Whoever is in one of these finds its group anew. */
  #part(roots: ReadonlySet<Group>): void {
    for (const onNode of this.#places.values())
      for (const [name, { group }] of onNode) if (roots.has(rootOf(group))) onNode.delete(name)
    for (const [id, group] of this.#byScope) if (roots.has(rootOf(group))) this.#byScope.delete(id)
  }

  #forgetAll(): void {
    this.#last = NOTHING
    this.#places = new Map()
    this.#placesMade = 0
    this.#byScope.clear()
  }
}

/** By the oldest ticket of each group: priorities, which pods' authors choose, order nobody beyond a namespace. */
export function oldestFirst(groups: Iterable<[Group, Ticket[]]>): [Group, Ticket[]][] {
  return Array.from(groups, ([group, tickets]) => {
    const oldest = tickets.reduce((a, b) => (compareAge(b, a) < 0 ? b : a))
    return { group, tickets, oldest }
  })
    .sort((a, b) => compareAge(a.oldest, b.oldest))
    .map(({ group, tickets }) => [group, tickets])
}

/** Of a ticket's place on its node. */
function nameOf({ namespace, images }: Ticket): string {
  return images.length === 0 ? namespace : `${namespace} ${images.join(' ')}`
}

const newPlaces = (): Map<string, Place> => new Map()

function rootOf(group: Group): Group {
  let root = group
  while (root.into) {
    // Each looks past the next one, or a chain of joins would be walked whole each time.
    root.into = root.into.into ?? root.into
    root = root.into
  }
  return root
}

function haveSame(a: readonly Scope[], b: readonly Scope[]): boolean {
  return a.length === b.length && a.every((scope, i) => isSame(scope, b[i]))
}

function isSame(a: Scope, b: Scope | undefined): boolean {
  return (
    a.id === b?.id &&
    a.limit === b.limit &&
    a.share === b.share &&
    a.windowMs === b.windowMs &&
    a.subject === b.subject &&
    a.source === b.source &&
    a.isHeldBack === b.isHeldBack &&
    a.isAuto === b.isAuto &&
    a.image?.onNodes === b.image?.onNodes
  )
}
