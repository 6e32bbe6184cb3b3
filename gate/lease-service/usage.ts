import { scopeIdsOf } from './limits.ts'
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

type Holder = Pick<Ticket, 'key' | 'resource' | 'namespace' | 'nodeName'>

/**
 * Counts the slots in use, by resource and scope. What is recorded is how many slots a key holds *now*, so saying the
 * same thing twice changes nothing: no slot can be given back twice.
 */
export class Usage {
  readonly #slots = new Map<string, number>()
  readonly #held: Record<Resource, Map<string, number>> = { pull: new Map(), start: new Map() }

  hold(holder: Holder, slots: number): void {
    const change = slots - (this.#slots.get(holder.key) ?? 0)
    if (slots === 0) this.#slots.delete(holder.key)
    else this.#slots.set(holder.key, slots)
    if (change !== 0) this.charge(holder, change)
  }

  held(resource: Resource, scopeId: string): number {
    return this.#held[resource].get(scopeId) ?? 0
  }

  /** Slots that run without a grant: restarts, late starts, fail-opens. None are counted yet. */
  debt(_resource: Resource, _scopeId: string): number {
    return 0
  }

  /** What limits are held against. */
  inUse(resource: Resource, scopeId: string): number {
    return this.held(resource, scopeId) + this.debt(resource, scopeId)
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
      return [...new Set(['cluster', ...this.#held[resource].keys(), ...wanted.keys()])].map(scope => ({
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
    const held = this.#held[holder.resource]
    for (const id of scopeIdsOf(holder)) {
      const slots = (held.get(id) ?? 0) + change
      if (slots === 0) held.delete(id)
      else held.set(id, slots)
    }
  }
}
