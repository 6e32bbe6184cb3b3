import type { Scope } from '../../gate/lease-service/limits/scope.ts'
import type { Ticket } from '../../gate/lease-service/model/grant.ts'
import { compareTickets } from '../../gate/lease-service/queue/fair-queue.ts'

/** Tickets of one namespace, node, size and priority: the queue lets them go in their order only. */
interface Line {
  key: string
  tickets: Ticket[]
  /** How many of them can matter to one decision. */
  window: number
}

/** `all`: of all who wait; `firsts`: of the first ones of each line. */
export type Sight = 'all' | 'firsts'

/**
 * Who waits, and of them those that a decision looks at. Tickets of one line use the same scopes and ask for the same,
 * so the first that lacks room keeps back all after it: as many as ask for more than their narrowest limit are nearly
 * as good as all, and a decision costs as much as there are lines. But the queue goes by how contended a node is, too,
 * so with `firsts` it may let another one go first.
 */
export class WaitingLines {
  readonly #lines = new Map<string, Line>()
  readonly #lineOf = new Map<Ticket, Line>()
  readonly #scopesOf: (ticket: Ticket) => Scope[]
  #size = 0

  readonly #sight: Sight

  constructor(scopesOf: (ticket: Ticket) => Scope[], sight: Sight) {
    this.#scopesOf = scopesOf
    this.#sight = sight
  }

  get size(): number {
    return this.#size
  }

  add(ticket: Ticket): void {
    const key = lineKey(ticket)
    const line = this.#lines.get(key) ?? { key, tickets: [], window: this.#windowFor(ticket) }
    this.#lines.set(key, line)
    this.#lineOf.set(ticket, line)
    const after = line.tickets.findLastIndex(other => compareTickets(other, ticket) < 0)
    line.tickets.splice(after + 1, 0, ticket)
    this.#size += 1
  }

  remove(ticket: Ticket): void {
    const line = this.#lineOf.get(ticket)
    if (!line) return
    this.#lineOf.delete(ticket)
    line.tickets.splice(line.tickets.indexOf(ticket), 1)
    this.#size -= 1
    if (line.tickets.length === 0) this.#lines.delete(line.key)
  }

  #windowFor(ticket: Ticket): number {
    if (this.#sight === 'all') return Number.POSITIVE_INFINITY
    const least = this.#scopesOf(ticket).reduce((limit, s) => Math.min(limit, s.limit), Number.POSITIVE_INFINITY)
    return Math.floor(least / Math.max(1, ticket.slots)) + 2
  }

  /** Those of whom any may go now. */
  inSight(): Ticket[] {
    return [...this.#lines.values()].flatMap(({ tickets, window }) => tickets.slice(0, window))
  }

  /** How many wait behind this one and are not in sight: for what it waits for, too. */
  behind(ticket: Ticket): number {
    const line = this.#lineOf.get(ticket)
    if (!line || line.tickets[line.window - 1] !== ticket) return 0
    return line.tickets.length - line.window
  }
}

function lineKey({ namespace, nodeName, slots, priority }: Ticket): string {
  return `${namespace} ${nodeName} ${slots} ${priority}`
}
