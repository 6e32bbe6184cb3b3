import type { Grant, Ticket } from './model.ts'
import { compareTickets } from './queue.ts'
import type { LimitTruth } from './simulation-checker.ts'

/** A pod of this age may go before its turn. */
const OVERDUE_MS = 60_000

export interface Turns {
  /** Start grants of one step, in order; those that pass full limits left out. */
  grants: readonly Grant[]
  /** Who is left in line for a start. */
  waiting: readonly Ticket[]
  /** By namespace and node: slots that were held before these grants. */
  heldBefore: ReadonlyMap<string, number>
  nowMs: number
}

/**
 * Test support. Whose turn came too late: it could have gone in the place of one whose namespace held more on that node for its weight. Looks only
 * at pairs on one node of which the one that waits has no limits of its own, and at namespaces of which nobody else went.
 */
export function passedOver({ grants, waiting, heldBefore, nowMs }: Turns, limits: LimitTruth): string[] {
  const { maxStarting, maxStartRate } = limits.settings.cluster
  if (maxStarting !== undefined || maxStartRate !== undefined) return []
  const went = new Set(grants.map(({ namespace }) => namespace))
  const sorted = waiting.filter(({ namespace }) => !went.has(namespace)).toSorted(compareTickets)
  const firsts = sorted.filter(({ namespace }, i) => sorted.findIndex(t => t.namespace === namespace) === i)
  const held = new Map(heldBefore)
  const shareOf = ({ namespace, nodeName }: Ticket) =>
    (held.get(onNode(namespace, nodeName)) ?? 0) / (limits.namespaces.get(namespace)?.weight ?? 1)
  const found: string[] = []
  for (const grant of grants) {
    const isLimitedByAll = (limits.namespaces.get(grant.namespace)?.mode ?? 'enforce') === 'enforce'
    const isByTurn = isLimitedByAll && nowMs - grant.createdAtMs < OVERDUE_MS
    for (const first of isByTurn ? firsts : [])
      if (
        first.nodeName === grant.nodeName &&
        first.slots <= grant.slots &&
        !isLimited(first.namespace, limits) &&
        shareOf(first) < shareOf(grant)
      )
        found.push(`Unfair: ${grant.key} of ${grant.namespace} before ${first.key} of ${first.namespace}`)
    const here = onNode(grant.namespace, grant.nodeName)
    held.set(here, (held.get(here) ?? 0) + grant.slots)
  }
  return found
}

/** Test support. What `heldBefore` goes by. */
export function onNode(namespace: string, nodeName: string): string {
  return `namespace/${namespace}/node/${nodeName}`
}

function isLimited(namespace: string, { namespaces }: LimitTruth): boolean {
  const { maxStarting, maxStartingPerNode, maxStartingPerCore, maxStartRate } = namespaces.get(namespace) ?? {}
  return [maxStarting, maxStartingPerNode, maxStartingPerCore, maxStartRate].some(limit => limit !== undefined)
}
