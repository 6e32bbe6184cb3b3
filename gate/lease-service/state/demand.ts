import type { WaitingFact } from '../ledger/ledger-view.ts'

/** Slots and gates that wait for one scope. */
export interface Demand {
  slots: number
  gates: number
  /** Of a rate: slots given out lately. */
  inUse: number
}

export const NO_DEMAND: Demand = { slots: 0, gates: 0, inUse: 0 }

/** By resource and scope, as `start:node/worker-1`. */
export function demandsOf(waiting: readonly WaitingFact[]): Map<string, Demand> {
  const demands = new Map<string, Demand>()
  for (const { ticket, obstacle } of waiting) {
    if (!obstacle) continue
    const { scope, inUse } = obstacle
    const id = `${ticket.resource}:${scope.id}`
    const { slots, gates } = demands.get(id) ?? NO_DEMAND
    demands.set(id, { slots: slots + ticket.slots, gates: gates + 1, inUse })
  }
  return demands
}
