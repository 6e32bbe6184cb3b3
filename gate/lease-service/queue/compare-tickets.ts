import { compareText } from '../../../core/compare-text.ts'
import type { Ticket } from '../model/grant.ts'

/** Priority, then age, then UID: the order inside a namespace. Total. */
export function compareTickets(a: Ticket, b: Ticket): number {
  return b.priority - a.priority || compareAge(a, b)
}

/**
 * The order between namespaces with equal shares. Priorities count only within a namespace, since pod authors choose
 * them. A total order.
 */
export function compareAge(a: Ticket, b: Ticket): number {
  return a.createdAtMs - b.createdAtMs || compareText(a.podUid, b.podUid) || compareText(a.key, b.key)
}
