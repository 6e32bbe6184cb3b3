import type { ScopeState } from '../../../core/state-rows.ts'
import type { ScopeFact } from '../ledger/ledger-view.ts'
import type { ScopeAt } from '../limits/scope-ref.ts'
import type { Demand } from './demand.ts'

/** Without a limit only the cluster and namespaces are told of: how much runs there may be worth knowing. */
export function isTold({ scope, ref }: ScopeFact, { gates }: Demand): boolean {
  return scope !== undefined || gates > 0 || ref.at.kind === 'cluster' || ref.at.kind === 'namespace'
}

/** What is told of a scope. */
export function scopeState(
  { resource, ref, scope, held, debt }: ScopeFact,
  { slots, gates, inUse }: Demand,
): ScopeState {
  const { at, id } = ref
  return {
    ...{ id: `${resource}:${id}`, resource, scope: id, kind: at.kind, name: scope?.image?.name ?? nameOf(at) },
    ...(at.kind === 'namespace-on-node' && { node: at.node }),
    // Nothing is held of a rate: what was given out lately is known where somebody waits for it.
    held: scope?.windowMs === undefined ? held : inUse,
    ...(scope && { limit: scope.limit, source: scope.source }),
    ...(scope?.windowMs !== undefined && { windowMs: scope.windowMs }),
    ...{ debt, waiting: slots, gates, frozen: scope?.limit === 0 },
  }
}

function nameOf(at: ScopeAt): string {
  switch (at.kind) {
    case 'node':
      return at.node
    case 'namespace':
    case 'namespace-on-node':
    case 'namespace-rate':
      return at.namespace
    case 'registry':
      return at.registry
    case 'image':
      return at.image
    case 'cluster':
    case 'cluster-rate':
      return 'cluster'
  }
}
