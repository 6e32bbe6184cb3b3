import type { Rate } from '../../../core/quantity.ts'
import type { Ticket } from '../model/grant.ts'
import type { Blocked } from './fair-queue.ts'

/** A ticket that passes although limits are full. */
export interface OverLimitGrant {
  ticket: Ticket
  reason: string
}

export interface OverLimitFacts {
  /** Of the cluster (undefined) or a namespace; undefined: no floor. */
  floorOf: (namespace: string | undefined) => Rate | undefined
  maxWaitMsOf: (namespace: string) => number | undefined
  /** When the ticket's gate first asked. */
  askedAtMs: (ticket: Ticket) => number
  /** A ceiling counts for those who pass, too: when it lets the ticket go, or at once. */
  withinRatesAtMs: (ticket: Ticket) => number
}

/**
 * Pods whose wait is over pass one by one, or a long stop would end in the herd that the limits are there to prevent.
 */
const OVER_LIMIT_GAP_MS = 1_000

/**
 * Who passes full limits: by a floor (`min-start-rate`), when pods wait and none began to start for its time, or by a
 * maximum wait. Freezing is meant: 0 beats both. Monotonic ms.
 */
export class OverLimitGrants {
  /** By `cluster` or `namespace/x`: since when there has been somebody who waits and nobody who began. */
  readonly #sinceMs = new Map<string, number>()
  #lastOverdueMs = Number.NEGATIVE_INFINITY
  #wakeAtMs: number | undefined

  /** A start was granted, whatever for. */
  granted({ namespace }: Ticket, nowMs: number): void {
    for (const scope of ['cluster', `namespace/${namespace}`])
      if (this.#sinceMs.has(scope)) this.#sinceMs.set(scope, nowMs)
  }

  /** Picks from those who wait, in their order. `wakeAtMs` tells when to look again. */
  due(blocked: readonly Blocked[], facts: OverLimitFacts, nowMs: number): OverLimitGrant[] {
    this.#wakeAtMs = undefined
    const able = blocked.filter(({ obstacle }) => obstacle.kind !== 'frozen').map(({ ticket }) => ticket)
    const passes = [...this.#byFloor(able, facts, nowMs), ...this.#byMaxWait(able, facts, nowMs)]
    return [...new Map(passes.map(pass => [pass.ticket.key, pass])).values()]
  }

  wakeAtMs(): number | undefined {
    return this.#wakeAtMs
  }

  #byFloor(able: Ticket[], facts: OverLimitFacts, nowMs: number): OverLimitGrant[] {
    const firsts = new Map<string, Ticket>()
    for (const ticket of able)
      for (const scope of ['cluster', `namespace/${ticket.namespace}`])
        if (!firsts.has(scope)) firsts.set(scope, ticket)
    for (const scope of this.#sinceMs.keys()) if (!firsts.has(scope)) this.#sinceMs.delete(scope)
    return [...firsts].flatMap(([scope, ticket]) => {
      const rate = facts.floorOf(scope === 'cluster' ? undefined : ticket.namespace)
      if (!rate) return []
      const sinceMs = this.#sinceMs.get(scope) ?? nowMs
      this.#sinceMs.set(scope, sinceMs)
      const dueMs = Math.max(sinceMs + rate.periodMs / rate.count, facts.withinRatesAtMs(ticket))
      if (dueMs > nowMs) {
        this.#wake(dueMs)
        return []
      }
      // For the one after it.
      this.#wake(nowMs + rate.periodMs / rate.count)
      return [{ ticket, reason: `nothing began to start in ${rate.periodMs / rate.count / 1_000} s (min-start-rate)` }]
    })
  }

  #byMaxWait(able: Ticket[], facts: OverLimitFacts, nowMs: number): OverLimitGrant[] {
    for (const ticket of able) {
      const maxWaitMs = facts.maxWaitMsOf(ticket.namespace)
      if (maxWaitMs === undefined) continue
      const waitedMs = facts.askedAtMs(ticket) + maxWaitMs
      const dueMs = Math.max(waitedMs, this.#lastOverdueMs + OVER_LIMIT_GAP_MS, facts.withinRatesAtMs(ticket))
      if (dueMs > nowMs) {
        this.#wake(dueMs)
        continue
      }
      this.#lastOverdueMs = nowMs
      return [{ ticket, reason: `it has waited for ${maxWaitMs / 1_000} s (max-wait)` }]
    }
    return []
  }

  #wake(atMs: number): void {
    this.#wakeAtMs = Math.min(this.#wakeAtMs ?? atMs, atMs)
  }
}
