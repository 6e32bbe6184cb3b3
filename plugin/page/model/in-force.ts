import type { State } from '../../../core/state-api.ts'
import type { StateResource } from '../../../core/state-rows.ts'

/** Slots of one resource in all that the reader may see, and what limits them together. */
export interface InForce {
  held: number
  debt: number
  /** Absent where nothing limits all of it. */
  limit?: number
  /** Where the limit comes from, in words. */
  from?: string
}

/**
 * Of the whole cluster: what its nodes hold, and the lowest of the cluster's own limit and the sum of its nodes'. For a
 * reader of one namespace: that namespace's.
 */
export function inForce(state: State, resource: StateResource): InForce {
  if (state.namespace !== undefined) return ofScope(state, `${resource}:namespace/${state.namespace}`)
  const cluster = ofScope(state, `${resource}:cluster`)
  const { items, total } = state.nodes
  if (items.length < total || items.length === 0) return cluster
  let [held, debt, limit] = [0, 0, 0]
  for (const node of items) {
    const slots = node[resource]
    held += slots.held
    debt += slots.debt
    limit += node.lost ? slots.held : (slots.limit ?? Number.POSITIVE_INFINITY)
  }
  const own = cluster.limit ?? Number.POSITIVE_INFINITY
  if (own <= limit && Number.isFinite(own)) return { held, debt, limit: own, from: cluster.from ?? 'the cluster' }
  if (!Number.isFinite(limit)) return { held, debt }
  return { held, debt, limit, from: items.length === 1 ? 'one node' : `sum of ${items.length} nodes` }
}

function ofScope({ scopes }: State, id: string): InForce {
  const scope = scopes.items.find(row => row.id === id)
  if (!scope) return { held: 0, debt: 0 }
  const { held, debt, limit, source } = scope
  return { held, debt, ...(limit !== undefined && { limit }), ...(source !== undefined && { from: source }) }
}
