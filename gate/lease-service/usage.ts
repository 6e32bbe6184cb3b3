import { ownScopeIdsOf, scopeIdsOf } from './limits.ts'
import type { Resource, Ticket } from './model.ts'

/** One scope's state, for the gauges. `limit` is Infinity where there is none. */
export interface ScopeUsage {
  scope: string
  resource: Resource
  held: number
  debt: number
  limit: number
  waiting: number
}

export type Holder = Pick<Ticket, 'key' | 'resource' | 'namespace' | 'nodeName' | 'images'>
/** A pod that starts containers without a slot. */
export type Debtor = Pick<Ticket, 'podUid' | 'namespace' | 'nodeName'>

/**
 * Counts the slots in use, by resource and scope. What is recorded is how many slots a key holds *now*, so saying the
 * same thing twice changes nothing: no slot can be given back twice.
 */
export class Usage {
  readonly #slots = new Map<string, number>()
  readonly #held: Record<Resource, Map<string, number>> = { pull: new Map(), start: new Map() }
  readonly #owed = new Map<string, number>()
  readonly #debt = new Map<string, number>()

  hold(holder: Holder, slots: number): void {
    const change = slots - (this.#slots.get(holder.key) ?? 0)
    if (slots === 0) this.#slots.delete(holder.key)
    else this.#slots.set(holder.key, slots)
    if (change !== 0) this.charge(holder, change)
  }

  held(resource: Resource, scopeId: string): number {
    return this.#held[resource].get(scopeId) ?? 0
  }

  /** Says how many containers of a pod are starting *now* without a slot: restarts, late starts, fail-opens. */
  owe(debtor: Debtor, slots: number): void {
    const change = slots - (this.#owed.get(debtor.podUid) ?? 0)
    if (slots === 0) this.#owed.delete(debtor.podUid)
    else this.#owed.set(debtor.podUid, slots)
    if (change !== 0) add(this.#debt, ownScopeIdsOf(debtor), change)
  }

  /** Slots that run without a grant. Pulls without one cannot be seen. */
  debt(resource: Resource, scopeId: string): number {
    return resource === 'start' ? (this.#debt.get(scopeId) ?? 0) : 0
  }

  /** The cluster, and every scope with slots held or waited for. */
  rows(
    waiting: { resource: Resource; scopeId: string; slots: number }[],
    limitAt: (resource: Resource, scopeId: string) => number,
  ): ScopeUsage[] {
    return (['pull', 'start'] as const).flatMap(resource => {
      const wanted = new Map<string, number>()
      for (const w of waiting)
        if (w.resource === resource) wanted.set(w.scopeId, (wanted.get(w.scopeId) ?? 0) + w.slots)
      const debts = resource === 'start' ? this.#debt.keys() : []
      return [...new Set(['cluster', ...this.#held[resource].keys(), ...debts, ...wanted.keys()])].map(scope => ({
        scope,
        resource,
        held: this.held(resource, scope),
        debt: this.debt(resource, scope),
        limit: limitAt(resource, scope),
        waiting: wanted.get(scope) ?? 0,
      }))
    })
  }

  /** Adds `change` slots in every scope of the holder, limited there or not. */
  protected charge(holder: Holder, change: number): void {
    add(this.#held[holder.resource], scopeIdsOf(holder), change)
  }
}

function add(counts: Map<string, number>, ids: readonly string[], change: number): void {
  for (const id of ids) {
    const count = (counts.get(id) ?? 0) + change
    if (count === 0) counts.delete(id)
    else counts.set(id, count)
  }
}
