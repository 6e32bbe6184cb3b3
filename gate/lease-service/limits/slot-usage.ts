import type { Grant, Resource, Ticket } from '../model/grant.ts'
import { CLUSTER, ownScopeRefsOf, type ScopeAt, type ScopeRef, scopeRef, sourceRefsOf } from './scope-ref.ts'

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
 * "Held", exactly: in `node/x`, `namespace/y`, `namespace/y/node/x`, `registry/z` and `image/z` all slots of the grants
 * there, also those of one that is larger than the limit. In `cluster` each namespace's start slots, but no more of one
 * namespace than its share of the limit: what a pod that is larger starts beyond that is in its namespace's scopes and
 * on its node only. What was granted to an observed namespace is held nowhere: it is debt.
 */
export class Usage {
  readonly #slots = new Map<string, number>()
  readonly #held: Record<Resource, Counts> = { pull: new Map(), start: new Map() }
  /** By namespace, and registry or image. */
  readonly #ofSources = new Map<string, number>()
  readonly #owed = new Map<string, number>()
  readonly #debt: Record<Resource, Counts> = { pull: new Map(), start: new Map() }
  readonly #share: number
  #changed: Record<Resource, Set<string>> = { pull: new Set(), start: new Set() }

  /** `share`: start slots of one namespace that count in the cluster at most. */
  constructor(share = Number.POSITIVE_INFINITY) {
    this.#share = share
  }

  /** Ids of the scopes of a resource in which something else is held or owed than when this was called last. */
  takeChanged(resource: Resource): ReadonlySet<string> {
    const changed = this.#changed[resource]
    this.#changed[resource] = new Set()
    return changed
  }

  hold(holder: Holder, slots: number): void {
    const change = slots - (this.#slots.get(holder.key) ?? 0)
    if (slots === 0) this.#slots.delete(holder.key)
    else this.#slots.set(holder.key, slots)
    if (change !== 0) this.charge(holder, change)
  }

  held(resource: Resource, scopeId: string): number {
    return this.#held[resource].get(scopeId)?.slots ?? 0
  }

  /** Slots that a namespace holds in a scope. */
  heldBy(resource: Resource, namespace: string, { at, id }: ScopeRef): number {
    if (at.kind === 'registry' || at.kind === 'image') return this.#ofSources.get(`${namespace} ${id}`) ?? 0
    const here: ScopeAt =
      at.kind === 'node' ? { kind: 'namespace-on-node', namespace, node: at.node } : { kind: 'namespace', namespace }
    return this.held(resource, scopeRef(here).id)
  }

  /** Says how many containers of a pod are starting *now* without a slot: restarts, late starts, fail-opens. */
  owe(debtor: Debtor, slots: number): void {
    const change = slots - (this.#owed.get(debtor.podUid) ?? 0)
    if (slots === 0) this.#owed.delete(debtor.podUid)
    else this.#owed.set(debtor.podUid, slots)
    if (change === 0) return
    const own = ownScopeRefsOf(debtor)
    this.#note('start', own)
    add(this.#debt.start, own, change)
  }

  /**
   * Slots that run without a grant, or with one that an observed namespace got without asking for room. Pulls without
   * one cannot be seen.
   */
  debt(resource: Resource, scopeId: string): number {
    return this.#debt[resource].get(scopeId)?.slots ?? 0
  }

  /** The scopes with slots held or owed. */
  scopes(resource: Resource): ScopeRef[] {
    const counts = [this.#held[resource], this.#debt[resource]]
    return [...new Map(counts.flatMap(each => [...each.values()]).map(ref => [ref.id, ref])).values()]
  }

  /** The cluster, and every scope with slots held or waited for, but images: these are as many as anybody names. */
  rows(
    waiting: { resource: Resource; scope: ScopeRef; slots: number }[],
    limitAt: (resource: Resource, scope: ScopeRef) => number,
  ): ScopeUsage[] {
    return (['pull', 'start'] as const).flatMap(resource => {
      const wanted: Counts = new Map()
      for (const { scope, slots, ...of } of waiting) if (of.resource === resource) add(wanted, [scope], slots)
      const counts = [this.#held[resource], this.#debt[resource], wanted]
      const refs = [CLUSTER, ...counts.flatMap(each => [...each.values()])].filter(({ at }) => at.kind !== 'image')
      const known = new Map(refs.map(ref => [ref.id, ref]))
      return [...known.values()].map(scope => ({
        scope: scope.id,
        resource,
        held: this.held(resource, scope.id),
        debt: this.debt(resource, scope.id),
        limit: limitAt(resource, scope),
        waiting: wanted.get(scope.id)?.slots ?? 0,
      }))
    })
  }

  /** Adds `change` slots in every scope of the holder, limited there or not. */
  protected charge(holder: Holder, change: number): void {
    const { resource, namespace, isObserved } = holder
    const own = ownScopeRefsOf(holder)
    const sources = sourceRefsOf(holder)
    this.#note(resource, [...own, ...sources, CLUSTER])
    if (isObserved) {
      add(this.#debt[resource], own, change)
      return
    }
    const share = resource === 'start' ? this.#share : Number.POSITIVE_INFINITY
    const before = this.held(resource, scopeRef({ kind: 'namespace', namespace }).id)
    const inCluster = Math.min(before + change, share) - Math.min(before, share)
    add(this.#held[resource], [...own, ...sources], change)
    add(this.#held[resource], [CLUSTER], inCluster)
    for (const { id } of sources) addTo(this.#ofSources, `${namespace} ${id}`, change)
  }

  #note(resource: Resource, refs: readonly ScopeRef[]): void {
    for (const { id } of refs) this.#changed[resource].add(id)
  }
}

/** By the scope's id. */
type Counts = Map<string, ScopeRef & { slots: number }>

function add(counts: Counts, refs: readonly ScopeRef[], change: number): void {
  for (const { at, id } of refs) {
    const slots = (counts.get(id)?.slots ?? 0) + change
    if (slots === 0) counts.delete(id)
    else counts.set(id, { at, id, slots })
  }
}

function addTo(counts: Map<string, number>, id: string, change: number): void {
  const count = (counts.get(id) ?? 0) + change
  if (count === 0) counts.delete(id)
  else counts.set(id, count)
}
