import type { Grant, Ticket } from './model.ts'
import { compareTickets } from './queue.ts'
import type { LimitTruth } from './simulation-checker.ts'

/** After this long a ticket may go before its turn. */
const PASSED_OVER_MS = 60_000

export interface Turns {
  /** Start grants of one step, in order; those that pass full limits left out. */
  grants: readonly Grant[]
  /** Who is left in line for a start. */
  waiting: readonly Ticket[]
  /** Slots that each namespace held before these grants. */
  heldBefore: ReadonlyMap<string, number>
  askedAtMs: (key: string) => number
  nowMs: number
}

/**
 * Test support. Whose turn came too late: it could have gone in the place of one whose namespace held more for its weight. Looks only
 * at pairs on one node of which the one that waits has no limits of its own.
 */
export function passedOver({ grants, waiting, heldBefore, askedAtMs, nowMs }: Turns, limits: LimitTruth): string[] {
  if (limits.settings.cluster.maxStarting !== undefined) return []
  const sorted = waiting.toSorted(compareTickets)
  const firsts = sorted.filter(({ namespace }, i) => sorted.findIndex(t => t.namespace === namespace) === i)
  const held = new Map(heldBefore)
  const shareOf = (namespace: string) => (held.get(namespace) ?? 0) / (limits.namespaces.get(namespace)?.weight ?? 1)
  const found: string[] = []
  for (const grant of grants) {
    const isLimitedByAll = (limits.namespaces.get(grant.namespace)?.mode ?? 'enforce') === 'enforce'
    const isByTurn = isLimitedByAll && nowMs - askedAtMs(grant.key) < PASSED_OVER_MS
    for (const first of isByTurn ? firsts : [])
      if (
        first.namespace !== grant.namespace &&
        first.nodeName === grant.nodeName &&
        first.slots <= grant.slots &&
        !isLimited(first.namespace, limits) &&
        shareOf(first.namespace) < shareOf(grant.namespace)
      )
        found.push(`Unfair: ${grant.key} of ${grant.namespace} before ${first.key} of ${first.namespace}`)
    held.set(grant.namespace, (held.get(grant.namespace) ?? 0) + grant.slots)
  }
  return found
}

function isLimited(namespace: string, { namespaces }: LimitTruth): boolean {
  const { maxStarting, maxStartingPerNode, maxStartingPerCore, maxStartRate } = namespaces.get(namespace) ?? {}
  return [maxStarting, maxStartingPerNode, maxStartingPerCore, maxStartRate].some(limit => limit !== undefined)
}
