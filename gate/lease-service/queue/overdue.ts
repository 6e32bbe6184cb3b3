import { registriesOf } from '../limits/scope-ref.ts'
import type { Ticket } from '../model/grant.ts'
import { compareAge } from './compare-tickets.ts'

/** A ticket that has waited for so long since its gate first asked is overdue. */
export const OVERDUE_MS = 60_000
/** From one ticket that goes before all turns to the next: turns by shares stay the rule. */
export const FIRST_GAP_MS = 10_000
/** As long as nobody is overdue, tickets are looked at no more often: a long line costs time. */
const LOOK_MS = 1_000

export interface OverdueFacts {
  /** When the ticket's gate first asked, as far as it can be known. */
  askedAtMs: (ticket: Ticket) => number
  /** Whether its own namespace's limits would let it go now. */
  hasOwnRoom: (ticket: Ticket) => boolean
  /** Whether it waits for its node or a registry, so that others of its namespace need not wait for its turn. */
  waitsLocally: (ticket: Ticket) => boolean
}

/** Tickets of one namespace that use the same scopes: what lets one go lets any of them go that needs no more. */
interface Place {
  id: string
  /** The oldest. */
  ticket: Ticket
  /** When the first of them asked. */
  askedAtMs: number
}

/** What waits of a namespace, some of it for too long. */
interface Late {
  places: Map<string, Place>
  /** The oldest ticket of those that wait for no node or registry. */
  head: Ticket | undefined
}

/**
 * Picks the one ticket that goes before all turns and keeps the room that it finds, so that nobody waits for ever
 * whatever others do. Namespaces with an overdue ticket take turns. In a namespace the oldest goes, whatever its
 * priority, so that nobody is overtaken; but places (a node, for pulls with the same registries, under a ramp with
 * the same images) whose oldest waits for the node, a registry or an image take turns with it. There is one such
 * ticket at a time, and one in FIRST_GAP_MS.
 *
 * The bound: a ticket that its own namespace's limits let go is granted within OVERDUE_MS + (k + 1) × n × p ×
 * (FIRST_GAP_MS + H) of its gate's first asking. n namespaces wait; p places of its own namespace wait; k older tickets
 * of its namespace ask before it goes; H is the longest time for which a slot is held (the longest start or pull
 * timeout) or a start rate gives out nothing. No other namespace can make that longer by what it sends, but by being
 * one more. It counts anew from a grant that could not be stored. Monotonic ms.
 */
export class Overdue {
  /** By namespace with an overdue ticket: least is next. */
  readonly #turns = new Map<string, number>()
  #lastTurn = 0
  /** By place: when one of it was picked last. */
  readonly #pickedAt = new Map<string, number>()
  /** By place: who was granted last. If it waits again its grant could not be told, and others go before. */
  readonly #grantedLast = new Map<string, string>()
  readonly #isRamped: (namespace: string) => boolean
  #first: string | undefined
  #nextLookMs = Number.NEGATIVE_INFINITY

  /** `isRamped`: whether what a namespace's pods pull is limited by image. */
  constructor(isRamped: (namespace: string) => boolean = () => false) {
    this.#isRamped = isRamped
  }

  granted(ticket: Ticket): void {
    this.#grantedLast.set(this.#placeOf(ticket), ticket.key)
    if (this.#first === ticket.key) this.#first = undefined
  }

  /** The grant could not be stored: nobody had anything of it. */
  revoked(ticket: Ticket): void {
    const id = this.#placeOf(ticket)
    if (this.#grantedLast.get(id) === ticket.key) this.#grantedLast.delete(id)
  }

  /**
   * Key of the ticket that goes before all turns; undefined when none is overdue, or it is not time yet. It stays the
   * same until that one is granted, or waits no more, or is kept back by its own namespace's limits.
   */
  first(tickets: readonly Ticket[], facts: OverdueFacts, nowMs: number): string | undefined {
    const before = this.#first === undefined ? undefined : tickets.find(({ key }) => key === this.#first)
    if (before && facts.hasOwnRoom(before)) return this.#first
    this.#first = undefined
    if (nowMs < this.#nextLookMs) return undefined
    const late = this.#lateOf(tickets, facts, nowMs)
    this.#forget(new Set(late.keys()), new Set(late.values().flatMap(({ places }) => places.keys())))
    const next = this.#next([...late.values()], facts)
    this.#nextLookMs = nowMs + (next ? FIRST_GAP_MS : LOOK_MS)
    if (!next) return undefined
    this.#first = next.ticket.key
    this.#turns.set(next.ticket.namespace, ++this.#lastTurn)
    this.#pickedAt.set(next.id, nowMs)
    return this.#first
  }

  /** What waits of each namespace with an overdue ticket. */
  #lateOf(tickets: readonly Ticket[], facts: OverdueFacts, nowMs: number): Map<string, Late> {
    const late = new Map<string, Late>()
    for (const ticket of tickets) {
      const isLate = nowMs - facts.askedAtMs(ticket) >= OVERDUE_MS
      // Nothing is promised to one that its own namespace or a 0 keeps back.
      if (isLate && !late.has(ticket.namespace) && facts.hasOwnRoom(ticket))
        late.set(ticket.namespace, { places: new Map(), head: undefined })
    }
    for (const ticket of tickets) {
      const line = late.get(ticket.namespace)
      if (line) this.#add(ticket, line, facts)
    }
    return late
  }

  #add(ticket: Ticket, line: Late, { askedAtMs, waitsLocally }: OverdueFacts): void {
    const id = this.#placeOf(ticket)
    const ms = askedAtMs(ticket)
    const place = line.places.get(id)
    if (!place) line.places.set(id, { id, ticket, askedAtMs: ms })
    else {
      place.askedAtMs = Math.min(place.askedAtMs, ms)
      if (this.#compare(ticket, place.ticket) < 0) place.ticket = ticket
    }
    if ((!line.head || this.#compare(ticket, line.head) < 0) && !waitsLocally(ticket)) line.head = ticket
  }

  #placeOf(ticket: Ticket): string {
    const { namespace, nodeName, images } = ticket
    const sources = this.#isRamped(namespace) ? images.toSorted() : registriesOf(ticket).sort()
    return [namespace, nodeName, ...sources].join('/')
  }

  /** By age; who was granted last in its place and waits again comes last. */
  #compare(a: Ticket, b: Ticket): number {
    return this.#wasLast(a) - this.#wasLast(b) || compareAge(a, b)
  }

  #wasLast(ticket: Ticket): number {
    return this.#grantedLast.size > 0 && this.#grantedLast.get(this.#placeOf(ticket)) === ticket.key ? 1 : 0
  }

  /** Places and namespaces of which none is overdue; a namespace that begins to have one comes last. */
  #forget(namespaces: ReadonlySet<string>, places: ReadonlySet<string>): void {
    for (const id of this.#pickedAt.keys()) if (!places.has(id)) this.#pickedAt.delete(id)
    for (const id of this.#grantedLast.keys()) if (!places.has(id)) this.#grantedLast.delete(id)
    for (const namespace of this.#turns.keys()) if (!namespaces.has(namespace)) this.#turns.delete(namespace)
    this.#lastTurn += 1
    for (const namespace of namespaces) if (!this.#turns.has(namespace)) this.#turns.set(namespace, this.#lastTurn)
  }

  /** Of the places whose oldest may go before the others of its namespace, the one whose turn it is. */
  #next(late: readonly Late[], { hasOwnRoom }: OverdueFacts): Place | undefined {
    const turnOf = ({ id, ticket, askedAtMs }: Place): [number, number, string] => [
      this.#turns.get(ticket.namespace) ?? this.#lastTurn,
      Math.max(askedAtMs, this.#pickedAt.get(id) ?? askedAtMs),
      id,
    ]
    const able = late.flatMap(({ places, head }) =>
      [...places.values()].filter(({ ticket }) => !head || this.#compare(ticket, head) <= 0),
    )
    let next: Place | undefined
    for (const place of able)
      if (hasOwnRoom(place.ticket) && (!next || compareTurns(turnOf(place), turnOf(next)) < 0)) next = place
    return next
  }
}

function compareTurns(a: [number, number, string], b: [number, number, string]): number {
  return a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : 1)
}
