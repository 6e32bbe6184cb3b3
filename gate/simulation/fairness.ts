import type { NamespaceSettings } from '../../core/annotations.ts'
import type { ScopeUsage } from '../lease-service/limits/slot-usage.ts'
import type { Grant, Ticket } from '../lease-service/model/grant.ts'
import { compareTickets } from '../lease-service/queue/compare-tickets.ts'
import type { Limit } from './limits-in-force.ts'

/** A pod of this age may go before its turn. */
const OVERDUE_MS = 60_000

/** What one step decided for one resource, where nobody passes full limits. */
export interface Turns {
  /** In order; those that were not decided by turns left out. */
  grants: readonly Grant[]
  /** Who is left in line. */
  waiting: readonly Ticket[]
  /** When the step is over. */
  usage: readonly ScopeUsage[]
  /** The pod may have waited for so long that its ticket goes before all turns. */
  isOverdue: (ticket: Ticket) => boolean
  /** Whether some of what it would pull is on its node: then it is not known what it counts for. */
  isPartlyPulled: (ticket: Ticket) => boolean
  /** By none of the ledger's code. */
  limitsOf: (ticket: Ticket) => Limit[]
  namespaces: ReadonlyMap<string, NamespaceSettings>
}

/** What the checker may know of a ticket's age, as long as no clock was off. */
export function isMaybeOverdue({ createdAtMs }: Ticket, nowMs: number): boolean {
  return nowMs - createdAtMs >= OVERDUE_MS
}

/** The first in line of a namespace, that only shared limits keep back. */
interface Head {
  ticket: Ticket
  /** Of the shared limits. */
  shared: Limit[]
  /** Those that it lacks room in: not all who wait have room there. */
  full: Limit[]
  /** Those in which that may be so. */
  contended: Limit[]
  /** Slots that one of its namespace may have kept that went before all turns. */
  kept: number
}

/**
 * Test support. Checks the rule of docs/contributing/architecture.md on pairs of tickets, one granted and one left in
 * line: one that wants no more and would have found the same room must not be left when its namespace held a smaller
 * part of the contended limits for its weight. Looks only at pairs of which that is certain: what is not known counts
 * for the one that was granted.
 */
export class TurnCheck {
  readonly unfair: string[] = []
  /** Pairs of namespaces of different weights. */
  byWeight = 0
  readonly #turns: Turns
  readonly #held = new Map<string, number>()
  readonly #debt = new Map<string, number>()

  constructor(turns: Turns) {
    this.#turns = turns
    for (const { scope, held, debt } of turns.usage) {
      this.#held.set(scope, held)
      this.#debt.set(scope, debt)
    }
    for (const head of this.#heads()) for (const [at, grant] of turns.grants.entries()) this.#compare(head, grant, at)
  }

  #heads(): Head[] {
    const { waiting, limitsOf, isPartlyPulled, namespaces } = this.#turns
    const firsts = new Map<string, Ticket>()
    for (const ticket of waiting.toSorted(compareTickets))
      if (!firsts.has(ticket.namespace)) firsts.set(ticket.namespace, ticket)
    return [...firsts.values()].flatMap(ticket => {
      const limits = limitsOf(ticket).filter(({ limit }) => limit < Number.POSITIVE_INFINITY)
      const shared = limits.filter(({ id }) => !isOwn(id))
      const hasOwnRoom = limits.every(limit => !isOwn(limit.id) || this.#fits(ticket, limit))
      // The last start of its namespace may keep it back.
      if (!hasOwnRoom || isPartlyPulled(ticket) || namespaces.get(ticket.namespace)?.maxStartRate) return []
      const full = shared.filter(limit => !this.#fits(ticket, limit))
      const contended = shared.filter(limit => full.includes(limit) || !this.#fitAll(limit))
      return full.length > 0 ? [{ ticket, shared, full, contended, kept: this.#keptBeside(ticket) }] : []
    })
  }

  /** Another one of its namespace may have been looked at before all turns, and have kept the room that it found. */
  #keptBeside(ticket: Ticket): number {
    if (!this.#isLate(ticket)) return 0
    const others = this.#turns.waiting.filter(t => t.namespace === ticket.namespace && t !== ticket)
    return others.reduce((most, { slots }) => Math.max(most, slots), 0)
  }

  #isLate({ namespace }: Ticket): boolean {
    const { waiting, grants, isOverdue } = this.#turns
    return [...waiting, ...grants].some(t => t.namespace === namespace && isOverdue(t))
  }

  #compare(head: Head, grant: Grant, at: number): void {
    const { ticket, full } = head
    const { grants } = this.#turns
    if (grant.namespace === ticket.namespace || grant.slots < ticket.slots) return
    // One of a namespace with an overdue ticket goes before all turns, among those that share a limit.
    const isFirst = grants.slice(0, at).every(other => !head.shared.some(limit => limit.covers(other)))
    if (isFirst && this.#isLate(grant)) return
    if (!this.#wouldGoInPlaceOf(grant, head) || this.#stoodBehind(head, grants.slice(at + 1))) return
    const before = grants.slice(0, at)
    // What a namespace holds of a registry's limit is not known, but only that it is no more than all its pulls.
    const both = full.filter(
      limit => limit.covers(grant) && !limit.id.startsWith('registry/') && this.#isSurelyContended(limit, ticket),
    )
    const least = this.#shareOf(grant, both, before)
    const most = this.#shareOf(ticket, head.contended, before, head.kept)
    if (this.#weightOf(grant.namespace) !== this.#weightOf(ticket.namespace)) this.byWeight += 1
    if (most < least - 1e-9)
      this.unfair.push(`Unfair: ${grant.key} of ${grant.namespace} before ${ticket.key} of ${ticket.namespace}`)
  }

  /** What the one lacks, the other one would have lacked; and where the other one is not, nobody else waits. */
  #wouldGoInPlaceOf(grant: Grant, { ticket, shared, full }: Head): boolean {
    return shared.every(
      limit =>
        limit.covers(grant) ||
        (!full.includes(limit) && this.#turns.waiting.every(t => t === ticket || !limit.covers(t))),
    )
  }

  /** One of its namespace that went later, elsewhere, may have had its turn later, and so all after it. */
  #stoodBehind({ ticket, shared }: Head, later: readonly Grant[]): boolean {
    const ids = new Set(shared.map(({ id }) => id))
    const isElsewhere = (grant: Grant) =>
      this.#turns
        .limitsOf(grant)
        .some(({ id, limit }) => limit < Number.POSITIVE_INFINITY && !isOwn(id) && !ids.has(id))
    return later.some(grant => grant.namespace === ticket.namespace && isElsewhere(grant))
  }

  /** The largest part of these limits that the ticket's namespace held for its weight when `before` had gone. */
  #shareOf({ namespace }: Ticket, limits: readonly Limit[], before: readonly Grant[], kept = 0): number {
    const parts = limits.map(
      limit => (this.#heldBy(namespace, limit, before) + kept) / (this.#weightOf(namespace) * Math.max(1, limit.limit)),
    )
    return Math.max(0, ...parts)
  }

  #weightOf(namespace: string): number {
    return this.#turns.namespaces.get(namespace)?.weight ?? 1
  }

  #heldBy(namespace: string, { id, covers }: Limit, before: readonly Grant[]): number {
    const scope = id.startsWith('node/') ? `namespace/${namespace}/${id}` : `namespace/${namespace}`
    const ours = (grants: readonly Grant[]) =>
      grants.reduce((sum, grant) => sum + (grant.namespace === namespace && covers(grant) ? grant.slots : 0), 0)
    return (this.#held.get(scope) ?? 0) - ours(this.#turns.grants) + ours(before)
  }

  #fits({ slots }: Ticket, { id, limit, share = slots }: Limit): boolean {
    const wanted = Math.min(slots, share)
    const used = (this.#held.get(id) ?? 0) + Math.min(this.#debt.get(id) ?? 0, Math.max(0, limit - wanted))
    return used + wanted <= limit || (limit > 0 && wanted > limit && used === 0)
  }

  /**
   * What a node has no room for does not press on the cluster (contention.ts). That those who went and this ticket were
   * free to go is known; others may not have been.
   */
  #isSurelyContended(limit: Limit, ticket: Ticket): boolean {
    if (limit.id !== 'cluster') return true
    const roomIn = (at: Limit): number => at.limit - this.#heldBefore(at) - (this.#debt.get(at.id) ?? 0)
    const wanted = [...this.#turns.grants, ticket].filter(limit.covers)
    const byNode = new Map<string, { room: number; slots: number; largest: number }>()
    for (const each of wanted) {
      const node = this.#turns.limitsOf(each).find(({ id }) => id.startsWith('node/'))
      if (!node || node.limit === Number.POSITIVE_INFINITY) continue
      const { room, slots, largest } = byNode.get(node.id) ?? { room: roomIn(node), slots: 0, largest: 0 }
      byNode.set(node.id, { room, slots: slots + each.slots, largest: Math.max(largest, each.slots) })
    }
    const ofNodes = [...byNode.values()].map(({ room, slots, largest }) => Math.min(slots, Math.max(room, largest)))
    const sum = (parts: readonly number[]): number => parts.reduce((total, part) => total + part, 0)
    return sum(ofNodes.length > 0 ? ofNodes : wanted.map(({ slots }) => slots)) > roomIn(limit)
  }

  /** All who wait, and all who went. */
  #fitAll(limit: Limit): boolean {
    const { grants, waiting } = this.#turns
    const all = [...grants, ...waiting].reduce((sum, ticket) => sum + (limit.covers(ticket) ? ticket.slots : 0), 0)
    return this.#heldBefore(limit) + (this.#debt.get(limit.id) ?? 0) + all <= limit.limit
  }

  #heldBefore({ id, covers, share = Number.POSITIVE_INFINITY }: Limit): number {
    const { grants } = this.#turns
    const given = (to: readonly Grant[]) => to.reduce((sum, grant) => sum + (covers(grant) ? grant.slots : 0), 0)
    if (id !== 'cluster') return (this.#held.get(id) ?? 0) - given(grants)
    const held = [...this.#held].filter(([scope]) => /^namespace\/[^/]+$/.test(scope))
    return held.reduce((sum, [scope, slots]) => {
      const ours = grants.filter(({ namespace }) => scope === `namespace/${namespace}`)
      return sum + Math.min(slots - given(ours), share)
    }, 0)
  }
}

function isOwn(id: string): boolean {
  return id.startsWith('namespace/')
}
