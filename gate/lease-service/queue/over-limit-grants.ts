import { earliest } from '../../../core/earliest.ts'
import type { Rate } from '../../../core/quantity.ts'
import type { LimitFacts } from '../limits/scope.ts'
import type { Ticket } from '../model/grant.ts'
import type { Blocked } from './line-up.ts'

/** A ticket that is granted although limits are full. */
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
  /** When the start rates allow the ticket: they hold for grants over the limit too. */
  withinRatesAtMs: (ticket: Ticket) => number
}

/** Pods past their maximum wait go one by one: otherwise a long stop would end with all of them starting at once. */
const OVER_LIMIT_GAP_MS = 1_000
const CLUSTER = 'cluster'

/**
 * Which tickets are granted beyond full limits: by a floor (`min-start-rate`), when pods wait and none has begun to
 * start for the floor's interval, or by a maximum wait. A limit of 0 freezes and is never exceeded. Monotonic ms.
 */
export class OverLimitGrants {
  /** By `cluster` or `namespace/x`: since when there has been somebody who waits and nobody who began. */
  readonly #sinceMs = new Map<string, number>()
  #lastOverdueMs = Number.NEGATIVE_INFINITY
  #wakeAtMs: number | undefined

  /** A start was granted, whatever for. */
  granted({ namespace }: Ticket, nowMs: number): void {
    for (const scope of [CLUSTER, `namespace/${namespace}`])
      if (this.#sinceMs.has(scope)) this.#sinceMs.set(scope, nowMs)
  }

  /** Picks from those who wait, in their order. `wakeAtMs` tells when to look again. */
  due(blocked: readonly Blocked[], facts: OverLimitFacts, nowMs: number): OverLimitGrant[] {
    this.#wakeAtMs = undefined
    const firsts = firstsOf(blocked)
    const hasMaxWait = firsts.some(
      ([scope, { namespace }]) => scope !== CLUSTER && facts.maxWaitMsOf(namespace) !== undefined,
    )
    const passes = [
      ...this.#byFloor(firsts, facts, nowMs),
      ...(hasMaxWait ? this.#byMaxWait(blocked, facts, nowMs) : []),
    ]
    return [...new Map(passes.map(pass => [pass.ticket.key, pass])).values()]
  }

  wakeAtMs(): number | undefined {
    return this.#wakeAtMs
  }

  #byFloor(firsts: [string, Ticket][], facts: OverLimitFacts, nowMs: number): OverLimitGrant[] {
    const waiting = new Set(firsts.map(([scope]) => scope))
    for (const scope of this.#sinceMs.keys()) if (!waiting.has(scope)) this.#sinceMs.delete(scope)
    return firsts.flatMap(([scope, ticket]) => {
      const rate = facts.floorOf(scope === CLUSTER ? undefined : ticket.namespace)
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
      return [{ ticket, reason: `nothing began to start in ${seconds(rate.periodMs / rate.count)} s (min-start-rate)` }]
    })
  }

  #byMaxWait(blocked: readonly Blocked[], facts: OverLimitFacts, nowMs: number): OverLimitGrant[] {
    for (const { ticket, obstacle } of blocked) {
      if (obstacle.kind === 'frozen') continue
      const maxWaitMs = facts.maxWaitMsOf(ticket.namespace)
      if (maxWaitMs === undefined) continue
      const waitedMs = facts.askedAtMs(ticket) + maxWaitMs
      const dueMs = Math.max(waitedMs, this.#lastOverdueMs + OVER_LIMIT_GAP_MS, facts.withinRatesAtMs(ticket))
      if (dueMs > nowMs) {
        this.#wake(dueMs)
        continue
      }
      this.#lastOverdueMs = nowMs
      return [{ ticket, reason: `it has waited for ${seconds(maxWaitMs)} s (max-wait)` }]
    }
    return []
  }

  #wake(atMs: number): void {
    this.#wakeAtMs = earliest(this.#wakeAtMs, atMs)
  }
}

/** With one digit after the point at most. */
function seconds(ms: number): number {
  return Math.round(ms / 100) / 10
}

/** Of the cluster and of each namespace, who is the first of those that are not frozen. */
function firstsOf(blocked: readonly Blocked[]): [scope: string, ticket: Ticket][] {
  const firsts = new Map<string, Ticket>()
  let first: Ticket | undefined
  for (const { ticket, obstacle } of blocked) {
    if (obstacle.kind === 'frozen') continue
    first ??= ticket
    if (!firsts.has(ticket.namespace)) firsts.set(ticket.namespace, ticket)
  }
  const ofNamespaces = [...firsts].map(([namespace, ticket]): [string, Ticket] => [`namespace/${namespace}`, ticket])
  return first ? [[CLUSTER, first], ...ofNamespaces] : []
}

/** Whether a floor or a longest wait is in force anywhere: without one nobody who waits needs to be looked at. */
export function mayPassAny({ settings: { cluster, maxWaitMs }, namespaces }: LimitFacts): boolean {
  if (cluster.minStartRate !== undefined || maxWaitMs !== undefined) return true
  return namespaces.values().some(({ minStartRate, maxWaitMs: ms }) => minStartRate !== undefined || ms !== undefined)
}
