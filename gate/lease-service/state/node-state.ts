import type { Pressure } from '../../../core/pressure.ts'
import type { NodeSlots, NodeState, StateResource } from '../../../core/state-rows.ts'
import type { AutoLimit } from '../auto/auto-limit.ts'
import type { NodeFact } from '../ledger/ledger-view.ts'
import { scopeRef } from '../limits/scope-ref.ts'
import type { Demand } from './demand.ts'
import type { StateFacts } from './facts.ts'

/** What is known of nodes beside the ledger, by name. */
export interface NodeLoad extends Pick<StateFacts, 'heldBack'> {
  pressures: ReadonlyMap<string, Pressure>
  autos: ReadonlyMap<string, AutoLimit>
}

/** What is told of a node. */
export function nodeState(
  { name, cores, lost, held, debt, limit }: NodeFact,
  { pressures, heldBack, autos }: NodeLoad,
  demandAt: (resource: StateResource, scope: string) => Demand,
): NodeState {
  const { id } = scopeRef({ kind: 'node', node: name })
  const slotsOf = (resource: StateResource): NodeSlots => ({
    ...{ held: held[resource], debt: debt[resource] },
    ...(Number.isFinite(limit[resource]) && { limit: limit[resource] }),
    waiting: demandAt(resource, id).slots,
  })
  const pressure = pressures.get(name)
  const auto = autos.get(name)
  return {
    ...{ id: name, pull: slotsOf('pull'), start: slotsOf('start'), cores, lost },
    ...(pressure && { pressure }),
    ...(auto && { auto: `${auto.limit} now, ${auto.reason}` }),
    ...(heldBack.has(name) && { heldBack: true as const }),
  }
}
