import type { Scope } from '../limits/scope.ts'
import type { Resource } from '../model/grant.ts'
import type { Blocked } from './line-up.ts'

/** Why a ticket waits, in one line for `kubectl describe pod` and the gate's log. */
export function reasonOf({ ticket, obstacle, place }: Omit<Blocked, 'row'>): string {
  const { resource, slots } = ticket
  const { kind, scope, inUse, debt } = obstacle
  if (kind === 'frozen') return `${resource}: frozen by ${scope.source}`
  const inLine = place === 1 ? 'next in line' : `${ordinal(place)} in line`
  const without = debt > 0 ? `, ${debt} of them by starts without a slot` : ''
  const used = scope.image
    ? spreadOf(scope, inUse)
    : scope.windowMs
      ? `${scope.subject} allows ${scope.limit} in ${scope.windowMs / 1000} s, used up`
      : `${scope.subject} has ${inUse} of ${scope.limit} slots in use${without}`
  if (kind === 'oversize') return `${resource}: needs ${slots} slots and waits to be alone, ${used}; ${inLine}`
  if (kind === 'behind') return `${resource}: ${used}, one ahead waits for more; ${inLine}`
  return slots > 1 ? `${resource}: needs ${slots} slots, ${used}; ${inLine}` : `${resource}: ${used}; ${inLine}`
}

/** `image registry/app:1 is on 2 nodes, 4 pull it` */
function spreadOf({ subject, image }: Scope, pulling: number): string {
  const { onNodes = 0 } = image ?? {}
  const nodes = onNodes === 0 ? 'no node' : onNodes === 1 ? '1 node' : `${onNodes} nodes`
  return `${subject} is on ${nodes}, ${pulling} ${pulling === 1 ? 'pulls' : 'pull'} it`
}

export function nodeLostReason(resource: Resource, nodeName: string): string {
  return `${resource}: node ${nodeName} is lost`
}

export function podUnknownReason(resource: Resource): string {
  return `${resource}: the watch on pods does not show this pod yet`
}

function ordinal(n: number): string {
  const isTeen = n % 100 >= 11 && n % 100 <= 13
  const suffix = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')
  return `${n}${suffix}`
}
