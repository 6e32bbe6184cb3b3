import type { Scope } from './scope.ts'

/** What counts in a scope now. */
export interface InUse {
  /** Slots that are held, or of a rate: that were given out lately. */
  inUse: number
  /** Slots that run without a grant. */
  debt: number
}

/** Slots of a request that count in a scope: where a namespace has a share of the limit, no more than that. */
export function slotsIn(slots: number, { share = Number.POSITIVE_INFINITY }: Scope): number {
  return Math.min(slots, share)
}

/**
 * Debt takes no more room than leaves the request alone in its scope: two hundred crash-loopers must not freeze a node.
 */
export function countedDebt(slots: number, scope: Scope, debt: number): number {
  return Math.min(debt, Math.max(0, scope.limit - slotsIn(slots, scope)))
}

/** Whether a request would be granted with so much in use. One larger than the limit fits when it is alone. */
export function hasRoom(slots: number, scope: Scope, { inUse, debt }: InUse): boolean {
  const wanted = slotsIn(slots, scope)
  const used = inUse + countedDebt(slots, scope, debt)
  return scope.limit > 0 && (used + wanted <= scope.limit || (wanted > scope.limit && used === 0))
}

/** A scope that only one namespace's pods use. */
export function isOwn({ at }: Pick<Scope, 'at'>): boolean {
  return at.kind === 'namespace' || at.kind === 'namespace-on-node' || at.kind === 'namespace-rate'
}

/**
 * A scope that pods elsewhere do not use, even those of the same namespace: a node, alone or for one namespace, a
 * registry, or an image.
 */
export function isLocal({ at }: Pick<Scope, 'at'>): boolean {
  return at.kind === 'node' || at.kind === 'registry' || at.kind === 'image' || at.kind === 'namespace-on-node'
}
