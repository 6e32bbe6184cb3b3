import type { Pressure } from '../../../core/pressure.ts'
import type { NodeSlots, NodeState, StateResource } from '../../../core/state-rows.ts'
import type { NodeFact } from '../ledger/ledger-view.ts'
import { scopeRef } from '../limits/scope-ref.ts'
import type { Demand } from './demand.ts'
import type { StateFacts } from './facts.ts'

/** What is told of a node. */
export function nodeState(
  { name, cores, lost, held, debt, limit }: NodeFact,
  { pressures, heldBack }: Pick<StateFacts, 'heldBack'> & { pressures: ReadonlyMap<string, Pressure> },
  demandAt: (resource: StateResource, scope: string) => Demand,
): NodeState {
  const { id } = scopeRef({ kind: 'node', node: name })
  const slotsOf = (resource: StateResource): NodeSlots => ({
    ...{ held: held[resource], debt: debt[resource] },
    ...(Number.isFinite(limit[resource]) && { limit: limit[resource] }),
    waiting: demandAt(resource, id).slots,
  })
  const pressure = pressures.get(name)
  return {
    ...{ id: name, pull: slotsOf('pull'), start: slotsOf('start'), cores, lost },
    ...(pressure && { pressure }),
    ...(heldBack.has(name) && { heldBack: true as const }),
  }
}
