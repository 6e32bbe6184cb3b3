import type { Ticket } from '../../gate/lease-service/model/grant.ts'

/** Who waits, and of them those that a decision looks at. */
export interface WaitingLines {
  readonly size: number
  add(ticket: Ticket): void
  remove(ticket: Ticket): void
  /** Those of whom any may go now. */
  inSight(): Ticket[]
  /** How many that were not in sight wait for what this one waits for. Each of them is told once. */
  takeBehind(ticket: Ticket): number
}

/** All of them: what the lease service does. */
export class AllInSight implements WaitingLines {
  readonly #tickets = new Set<Ticket>()

  get size(): number {
    return this.#tickets.size
  }

  add(ticket: Ticket): void {
    this.#tickets.add(ticket)
  }

  remove(ticket: Ticket): void {
    this.#tickets.delete(ticket)
  }

  inSight(): Ticket[] {
    return [...this.#tickets]
  }

  takeBehind(): number {
    return 0
  }
}
