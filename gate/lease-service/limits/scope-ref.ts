import { registryOf } from '../../../core/image-name.ts'
import type { Ticket } from '../model/grant.ts'

/** Where slots of one resource are counted, or starts in a time. */
export type ScopeAt =
  | { kind: 'cluster' }
  | { kind: 'node'; node: string }
  | { kind: 'namespace'; namespace: string }
  | { kind: 'namespace-on-node'; namespace: string; node: string }
  | { kind: 'registry'; registry: string }
  /** By its key (image-key.ts). */
  | { kind: 'image'; image: string }
  | { kind: 'cluster-rate' }
  | { kind: 'namespace-rate'; namespace: string }

/** A scope, and its name for maps and gauges, which is made once and never read back. */
export interface ScopeRef {
  at: ScopeAt
  /**
   * `cluster`, `node/x`, `namespace/y`, `namespace/y/node/x`, `registry/z`, `image/z/sha256-…`; of rates
   * `rate/cluster`, `rate/namespace/y`.
   */
  id: string
}

export function scopeRef(at: ScopeAt): ScopeRef {
  return { at, id: nameOf(at) }
}

function nameOf(at: ScopeAt): string {
  switch (at.kind) {
    case 'cluster':
      return 'cluster'
    case 'node':
      return `node/${at.node}`
    case 'namespace':
      return `namespace/${at.namespace}`
    case 'namespace-on-node':
      return `namespace/${at.namespace}/node/${at.node}`
    case 'registry':
      return `registry/${at.registry}`
    case 'image':
      return `image/${at.image}`
    case 'cluster-rate':
      return 'rate/cluster'
    case 'namespace-rate':
      return `rate/namespace/${at.namespace}`
  }
}

export type Place = Pick<Ticket, 'namespace' | 'nodeName' | 'images'>

export const CLUSTER = scopeRef({ kind: 'cluster' })

/**
 * Of the scopes in which a grant's slots are counted, limited there or not, those that belong to the pod's node and
 * namespace: what it starts without a slot is charged to them alone. The others are the cluster, registries and images.
 */
export function ownScopeRefsOf({ namespace, nodeName: node }: Omit<Place, 'images'>): ScopeRef[] {
  return [
    scopeRef({ kind: 'node', node }),
    scopeRef({ kind: 'namespace', namespace }),
    scopeRef({ kind: 'namespace-on-node', namespace, node }),
  ]
}

/** Of a pull: what it pulls, and from where. */
export function sourceRefsOf(place: Pick<Place, 'images'>): ScopeRef[] {
  return [
    ...registriesOf(place).map(registry => scopeRef({ kind: 'registry', registry })),
    ...[...new Set(place.images)].map(image => scopeRef({ kind: 'image', image })),
  ]
}

/** Images are of pulls only, and by their full names. */
export function registriesOf({ images }: Pick<Place, 'images'>): string[] {
  return [...new Set(images.map(registryOf))]
}
