import type { Grant, Resource, Ticket } from '../model/grant.ts'
import { ownScopeIdsOf, scopeIdsOf } from './scopes.ts'

/** One scope's state, for the gauges. `limit` is Infinity where there is none. */
export interface ScopeUsage {
  scope: string
  resource: Resource
  held: number
  debt: number
  limit: number
  waiting: number
}

export type Holder = Pick<Grant, 'key' | 'resource' | 'namespace' | 'nodeName' | 'images' | 'isObserved'>
/** A pod that starts containers without a slot. */
export type Debtor = Pick<Ticket, 'podUid' | 'namespace' | 'nodeName'>

/**
 * Counts the slots in use, by resource and scope. What is recorded is how many slots a key holds *now*, so saying the
 * same thing twice changes nothing: no slot can be given back twice.
 *
 * "Held", exactly: in `node/x`, `namespace/y`, `namespace/y/node/x` and `registry/z` all slots of the grants there,
 * also those of one that is larger than the limit. In `cluster` each namespace's start slots, but no more of one
 * namespace than its share of the limit: what a pod that is larger starts beyond that is in its namespace's scopes and
 * on its node only. What was granted to an observed namespace is held nowhere: it is debt.
 */
export class Usage {
  readonly #slots = new Map<string, number>()
  readonly #held: Record<Resource, Map<string, number>> = { pull: new Map(), start: new Map() }
  /** By namespace and registry. */
  readonly #ofRegistries = new Map<string, number>()
  readonly #owed = new Map<string, number>()
  readonly #debt: Record<Resource, Map<string, number>> = { pull: new Map(), start: new Map() }
  readonly #share: number
  #version = 0

  /** `share`: start slots of one namespace that count in the cluster at most. */
  constructor(share = Number.POSITIVE_INFINITY) {
    this.#share = share
  }

  /** Another number whenever something is held or owed that was not. */
  get version(): number {
    return this.#version
  }

  hold(holder: Holder, slots: number): void {
    const change = slots - (this.#slots.get(holder.key) ?? 0)
    if (slots === 0) this.#slots.delete(holder.key)
    else this.#slots.set(holder.key, slots)
    if (change !== 0) this.charge(holder, change)
  }

  held(resource: Resource, scopeId: string): number {
    return this.#held[resource].get(scopeId) ?? 0
  }

  /** Slots that a namespace holds in a scope. */
  heldBy(resource: Resource, namespace: string, scopeId: string): number {
    if (scopeId.startsWith('registry/')) return this.#ofRegistries.get(`${namespace} ${scopeId}`) ?? 0
    const here = scopeId.startsWith('node/') ? `namespace/${namespace}/${scopeId}` : `namespace/${namespace}`
    return this.held(resource, here)
  }

  /** Says how many containers of a pod are starting *now* without a slot: restarts, late starts, fail-opens. */
  owe(debtor: Debtor, slots: number): void {
    const change = slots - (this.#owed.get(debtor.podUid) ?? 0)
    if (slots === 0) this.#owed.delete(debtor.podUid)
    else this.#owed.set(debtor.podUid, slots)
    if (change === 0) return
    this.#version += 1
    add(this.#debt.start, ownScopeIdsOf(debtor), change)
  }

  /**
   * Slots that run without a grant, or with one that an observed namespace got without asking for room. Pulls without
   * one cannot be seen.
   */
  debt(resource: Resource, scopeId: string): number {
    return this.#debt[resource].get(scopeId) ?? 0
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
      const known = [...this.#held[resource].keys(), ...this.#debt[resource].keys(), ...wanted.keys()]
      return [...new Set(['cluster', ...known])].map(scope => ({
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
    this.#version += 1
    const { resource, namespace, isObserved } = holder
    if (isObserved) {
      add(this.#debt[resource], ownScopeIdsOf(holder), change)
      return
    }
    const share = resource === 'start' ? this.#share : Number.POSITIVE_INFINITY
    const before = this.held(resource, `namespace/${namespace}`)
    const inCluster = Math.min(before + change, share) - Math.min(before, share)
    const ids = scopeIdsOf(holder).filter(id => id !== 'cluster')
    const registries = ids.filter(id => id.startsWith('registry/')).map(id => `${namespace} ${id}`)
    add(this.#held[resource], ids, change)
    add(this.#held[resource], ['cluster'], inCluster)
    add(this.#ofRegistries, registries, change)
  }
}

function add(counts: Map<string, number>, ids: readonly string[], change: number): void {
  for (const id of ids) {
    const count = (counts.get(id) ?? 0) + change
    if (count === 0) counts.delete(id)
    else counts.set(id, count)
  }
}
