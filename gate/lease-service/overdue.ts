import { registriesOf } from './limits.ts'
import type { Ticket } from './model.ts'

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
}

/** Tickets of one namespace that use the same scopes: what lets one go lets any of them go that needs no more. */
interface Place {
  id: string
  /** That asked first. */
  ticket: Ticket
  askedAtMs: number
}

/**
 * Picks the one ticket that goes before all turns and keeps the room that it finds, so that nobody waits for ever whatever others do. Namespaces
 * with an overdue ticket take turns; so do, in a namespace, its places (a node, for pulls with the same registries), and in a place who asked first
 * goes, whatever its priority. There is one such ticket at a time, and one in FIRST_GAP_MS.
 *
 * The bound: a ticket that its own namespace's limits let go is granted within OVERDUE_MS + (k + 1) × n × p × (FIRST_GAP_MS + H) of its gate's first
 * asking. n namespaces wait; p places of its own namespace wait; k tickets of its place asked before it; H is the longest time for which a slot is held
 * (the longest start or pull timeout) or a start rate gives out nothing. No other namespace can make that longer by what it sends, but by being one more.
 * It counts anew from a grant that could not be stored. Monotonic ms.
 */
export class Overdue {
  /** By namespace with an overdue ticket: least is next. */
  readonly #turns = new Map<string, number>()
  #lastTurn = 0
  /** By place: when one of it was picked last. */
  readonly #pickedAt = new Map<string, number>()
  /** By place: who was granted last. If it waits again its grant could not be told, and others go before. */
  readonly #grantedLast = new Map<string, string>()
  #first: string | undefined
  #nextLookMs = Number.NEGATIVE_INFINITY

  granted(ticket: Ticket): void {
    this.#grantedLast.set(placeOf(ticket), ticket.key)
    if (this.#first === ticket.key) this.#first = undefined
  }

  /** The grant could not be stored: nobody had anything of it. */
  revoked(ticket: Ticket): void {
    const id = placeOf(ticket)
    if (this.#grantedLast.get(id) === ticket.key) this.#grantedLast.delete(id)
  }

  /**
   * Key of the ticket that goes before all turns; undefined when none is overdue, or it is not time yet. It stays the same until that one is granted,
   * or waits no more, or is kept back by its own namespace's limits.
   */
  first(tickets: readonly Ticket[], facts: OverdueFacts, nowMs: number): string | undefined {
    const before = this.#first === undefined ? undefined : tickets.find(({ key }) => key === this.#first)
    if (before && facts.hasOwnRoom(before)) return this.#first
    this.#first = undefined
    if (nowMs < this.#nextLookMs) return undefined
    const places = this.#placesOf(tickets, facts, nowMs)
    this.#forget(places)
    const next = this.#next(places, facts)
    this.#nextLookMs = nowMs + (next ? FIRST_GAP_MS : LOOK_MS)
    if (!next) return undefined
    this.#first = next.ticket.key
    this.#turns.set(next.ticket.namespace, ++this.#lastTurn)
    this.#pickedAt.set(next.id, nowMs)
    return this.#first
  }

  /** The places of those who are overdue. */
  #placesOf(tickets: readonly Ticket[], { askedAtMs }: OverdueFacts, nowMs: number): Map<string, Place> {
    const places = new Map<string, Place>()
    for (const ticket of tickets) {
      const ms = askedAtMs(ticket)
      if (nowMs - ms < OVERDUE_MS) continue
      const id = placeOf(ticket)
      const place = places.get(id)
      if (!place) places.set(id, { id, ticket, askedAtMs: ms })
      else if (this.#isBefore({ ticket, ms }, place)) Object.assign(place, { ticket, askedAtMs: ms })
    }
    return places
  }

  #isBefore({ ticket, ms }: { ticket: Ticket; ms: number }, { id, ...other }: Place): boolean {
    const last = this.#grantedLast.get(id)
    if (last === ticket.key || last === other.ticket.key) return last !== ticket.key
    return ms - other.askedAtMs < 0 || (ms === other.askedAtMs && ticket.key < other.ticket.key)
  }

  /** Places and namespaces of which none is overdue; a namespace that begins to have one comes last. */
  #forget(places: ReadonlyMap<string, Place>): void {
    for (const id of this.#pickedAt.keys()) if (!places.has(id)) this.#pickedAt.delete(id)
    for (const id of this.#grantedLast.keys()) if (!places.has(id)) this.#grantedLast.delete(id)
    const waiting = new Set([...places.values()].map(({ ticket }) => ticket.namespace))
    for (const namespace of this.#turns.keys()) if (!waiting.has(namespace)) this.#turns.delete(namespace)
    this.#lastTurn += 1
    for (const namespace of waiting) if (!this.#turns.has(namespace)) this.#turns.set(namespace, this.#lastTurn)
  }

  #next(places: ReadonlyMap<string, Place>, { hasOwnRoom }: OverdueFacts): Place | undefined {
    const turnOf = ({ id, ticket, askedAtMs }: Place): [number, number, string] => [
      this.#turns.get(ticket.namespace) ?? this.#lastTurn,
      Math.max(askedAtMs, this.#pickedAt.get(id) ?? askedAtMs),
      id,
    ]
    let next: Place | undefined
    for (const place of places.values())
      if (hasOwnRoom(place.ticket) && (!next || compareTurns(turnOf(place), turnOf(next)) < 0)) next = place
    return next
  }
}

function compareTurns(a: [number, number, string], b: [number, number, string]): number {
  return a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : 1)
}

function placeOf(ticket: Ticket): string {
  return [ticket.namespace, ticket.nodeName, ...registriesOf(ticket).sort()].join('/')
}
