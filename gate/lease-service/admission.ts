import type { LimitFacts, Scope, scopesOf as scopesByLimits } from './limits.ts'
import type { Grant, Resource, Ticket } from './model.ts'
import { type Pass, Passes, type PassFacts } from './passes.ts'
import { type Blocked, decide, hasRoom, type Taken } from './queue.ts'
import { Rates } from './rates.ts'
import type { Usage } from './usage.ts'

export interface AdmissionDeps {
  usage: Usage
  scopesOf: typeof scopesByLimits
  facts: LimitFacts
  /** When the ticket's gate first asked. */
  askedAtMs: (ticket: Ticket) => number
  /** When this process began to lead. */
  sinceMs: number
}

export interface Admitted {
  taken: Taken[]
  /** Those that pass although there is no room. */
  passes: Pass[]
  blocked: Blocked[]
}

/** A ticket that is first in a full scope for longer has been passed over elsewhere, since a scope's first goes when it empties. */
const PASSED_OVER_MS = 60_000

/** Joins the queue's decision with what it goes by: slots held and owed, rates, floors, and who was passed over. */
export class Admission {
  readonly #deps: AdmissionDeps
  readonly #rates: Rates
  readonly #passes = new Passes()
  /** Since when a ticket has been the first that lacks room somewhere. */
  readonly #headSinceMs = new Map<string, number>()
  #wakeAtMs: number | undefined

  constructor(deps: AdmissionDeps) {
    this.#deps = deps
    this.#rates = new Rates(deps.sinceMs)
  }

  /** Who goes now of those who wait for one resource. Turns of those who are away are kept: they go to nobody. */
  decide(
    resource: Resource,
    { tickets, away }: { tickets: readonly Ticket[]; away: readonly Ticket[] },
    nowMs: number,
  ): Admitted {
    const { usage, facts } = this.#deps
    const scopesOf = this.#scopesOnce()
    const decided = decide([...tickets, ...away], {
      scopesOf,
      inUse: scope => this.#inUse(resource, scope, nowMs),
      debt: scope => usage.debt(resource, scope.id),
      heldBy: namespace => usage.held(resource, `namespace/${namespace}`),
      weightOf: namespace => facts.namespaces.get(namespace)?.weight ?? 1,
      first: this.#passedOver(tickets, nowMs),
    })
    const isAway = new Set(away)
    const taken = decided.taken.filter(({ ticket }) => !isAway.has(ticket))
    const blocked = decided.blocked.filter(({ ticket }) => !isAway.has(ticket))
    this.#noteHeads(resource, blocked, nowMs)
    if (resource === 'pull') return { taken, passes: [], blocked }
    for (const { ticket } of taken) this.granted(ticket, nowMs)
    return { taken, ...this.#pass(blocked, this.#passFacts(scopesOf, nowMs), nowMs) }
  }

  /** One by one: the first may use up what its rate still allows. */
  #pass(blocked: Blocked[], facts: PassFacts, nowMs: number): Pick<Admitted, 'passes' | 'blocked'> {
    const due = this.#passes.due(blocked, facts, nowMs)
    const passes = due.filter(({ ticket }) => {
      const isWithin = facts.withinRatesAtMs(ticket) <= nowMs
      if (isWithin) this.granted(ticket, nowMs)
      return isWithin
    })
    const passed = new Set(passes.map(({ ticket }) => ticket))
    const left = blocked.filter(({ ticket }) => !passed.has(ticket))
    const laterMs = due.filter(({ ticket }) => !passed.has(ticket)).map(({ ticket }) => facts.withinRatesAtMs(ticket))
    this.#wakeAtMs = this.#nextMs(left, nowMs, laterMs)
    return { passes, blocked: left }
  }

  /** A start was granted; also when none of this had to be asked. */
  granted(ticket: Ticket, nowMs: number): void {
    this.#passes.granted(ticket, nowMs)
    for (const scope of this.#deps.scopesOf(ticket, this.#deps.facts))
      if (scope.windowMs !== undefined) this.#rates.take(scope, ticket.slots, nowMs)
  }

  /** Whether a grant whose slots are counted already is within the limits in force. A rate is of what is yet to be granted. */
  isWithinLimits(grant: Grant): boolean {
    const { usage, facts, scopesOf } = this.#deps
    return scopesOf(grant, facts).every(scope => {
      if (scope.windowMs !== undefined) return true
      const inUse = usage.held(grant.resource, scope.id) - grant.slots
      return hasRoom(grant.slots, scope, { inUse, debt: usage.debt(grant.resource, scope.id) })
    })
  }

  /** When time alone may let somebody go. */
  wakeAtMs(): number | undefined {
    return this.#wakeAtMs
  }

  #inUse(resource: Resource, scope: Scope, nowMs: number): number {
    return scope.windowMs === undefined ? this.#deps.usage.held(resource, scope.id) : this.#rates.inUse(scope, nowMs)
  }

  /** Most tickets share their place with others. */
  #scopesOnce(): (ticket: Ticket) => Scope[] {
    const known = new Map<string, Scope[]>()
    return ticket => {
      const place = `${ticket.namespace}/${ticket.nodeName} ${ticket.images.join(' ')}`
      const scopes = known.get(place) ?? this.#deps.scopesOf(ticket, this.#deps.facts)
      known.set(place, scopes)
      return scopes
    }
  }

  #passFacts(scopesOf: (ticket: Ticket) => Scope[], nowMs: number): PassFacts {
    const { settings, namespaces } = this.#deps.facts
    return {
      floorOf: namespace =>
        namespace === undefined ? settings.cluster.minStartRate : namespaces.get(namespace)?.minStartRate,
      maxWaitMsOf: namespace => namespaces.get(namespace)?.maxWaitMs ?? settings.maxWaitMs,
      askedAtMs: this.#deps.askedAtMs,
      withinRatesAtMs: ticket => {
        const full = scopesOf(ticket).filter(
          s => s.windowMs !== undefined && !hasRoom(ticket.slots, s, { inUse: this.#rates.inUse(s, nowMs), debt: 0 }),
        )
        return Math.max(nowMs, ...full.map(s => this.#rates.changesAtMs(s)))
      },
    }
  }

  #passedOver(tickets: readonly Ticket[], nowMs: number): string | undefined {
    const long = [...this.#headSinceMs].filter(([, ms]) => nowMs - ms >= PASSED_OVER_MS)
    if (long.length === 0) return undefined
    const keys = new Set(tickets.map(({ key }) => key))
    const waiting = long.filter(([key]) => keys.has(key))
    return waiting.sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))[0]?.[0]
  }

  #noteHeads(resource: Resource, blocked: readonly Blocked[], nowMs: number): void {
    const heads = new Set(blocked.flatMap(({ ticket, obstacle }) => (obstacle.isHead ? [ticket.key] : [])))
    for (const key of this.#headSinceMs.keys())
      if (key.startsWith(`${resource}.`) && !heads.has(key)) this.#headSinceMs.delete(key)
    for (const key of heads) if (!this.#headSinceMs.has(key)) this.#headSinceMs.set(key, nowMs)
  }

  #nextMs(blocked: readonly Blocked[], nowMs: number, laterMs: readonly number[]): number | undefined {
    const times = blocked.flatMap(({ obstacle: { scope } }) =>
      scope.windowMs === undefined ? [] : [this.#rates.changesAtMs(scope)],
    )
    const passesMs = this.#passes.wakeAtMs()
    const all = [...times, ...laterMs, ...(passesMs === undefined ? [] : [passesMs])]
    return all.length > 0 ? all.reduce((a, b) => Math.min(a, b)) : undefined
  }
}
