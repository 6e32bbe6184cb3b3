import { hasRoom, isLocal, isOwn, slotsIn } from '../limits/free-slots.ts'
import { isRamped } from '../limits/pull-ramp.ts'
import type { LimitFacts, Scope } from '../limits/scope.ts'
import type { scopesOf as scopesByLimits } from '../limits/scopes.ts'
import type { Usage } from '../limits/slot-usage.ts'
import type { Grant, Resource, Ticket } from '../model/grant.ts'
import { type Blocked, decide, type Taken } from './fair-queue.ts'
import { type OverLimitFacts, type OverLimitGrant, OverLimitGrants } from './over-limit-grants.ts'
import { Overdue, type OverdueFacts } from './overdue.ts'
import { Rates } from './rates.ts'

export interface AdmissionDeps {
  usage: Usage
  scopesOf: typeof scopesByLimits
  facts: LimitFacts
  /**
   * Another number whenever a limit or weight of `facts` may be another one, but by pressure; without it each decision
   * is made anew.
   */
  limitsVersion?: () => number
  /** When the ticket's gate first asked this leader. */
  askedAtMs: (ticket: Ticket) => number
  /** The same of any leader, as far as it can be known; without it, of this one. */
  firstAskedAtMs?: (ticket: Ticket, nowMs: number) => number
  /** When this process began to lead. */
  sinceMs: number
}

export interface Admitted {
  taken: Taken[]
  /** Those that pass although there is no room. */
  passes: OverLimitGrant[]
  blocked: Blocked[]
}

/** A decision by which nobody went: it stands as long as nothing that it went by has changed. */
interface Kept {
  tickets: readonly Ticket[]
  first: string | undefined
  usageVersion: number
  limitsVersion: number
  blocked: Blocked[]
}

/** Joins the queue's decision with what it goes by: slots held and owed, rates, floors, and who was passed over. */
export class Admission {
  readonly #deps: AdmissionDeps
  readonly #rates: Rates
  readonly #overLimit = new OverLimitGrants()
  readonly #overdue: Record<Resource, Overdue>
  readonly #kept: Partial<Record<Resource, Kept>> = {}
  /** The decision that is being made goes by time, too. */
  #usesRates = false
  #wakeAtMs: number | undefined

  constructor(deps: AdmissionDeps) {
    this.#deps = deps
    this.#overdue = {
      pull: new Overdue(namespace => isRamped(namespace, deps.facts)),
      start: new Overdue(),
    }
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
    const overdueFacts = this.#overdueFacts(resource, scopesOf, nowMs)
    // As long as turns are kept for some, it is not known who waits for longest.
    const first = away.length > 0 ? undefined : this.#overdue[resource].first(tickets, overdueFacts, nowMs)
    this.#usesRates = false
    const decideAnew = (): Pick<Admitted, 'taken' | 'blocked'> =>
      decide(away.length > 0 ? [...tickets, ...away] : tickets, {
        scopesOf,
        inUse: scope => this.#inUse(resource, scope, nowMs),
        debt: scope => usage.debt(resource, scope.id),
        heldBy: (namespace, scope) => usage.heldBy(resource, namespace, scope),
        weightOf: namespace => facts.namespaces.get(namespace)?.weight ?? 1,
        first,
      })
    const { taken, blocked } =
      away.length > 0 ? without(away, decideAnew()) : this.#keep(resource, { tickets, first }, decideAnew)
    for (const { ticket } of taken) this.#granted(ticket, nowMs)
    if (resource === 'pull') return { taken, passes: [], blocked }
    return { taken, ...this.#grantOverLimit(blocked, this.#overLimitFacts(scopesOf, nowMs), nowMs) }
  }

  /**
   * The last decision once more, if nobody went by it and nothing has changed since: most steps follow on a status that
   * changes no slot.
   */
  #keep(
    resource: Resource,
    { tickets, first }: Pick<Kept, 'tickets' | 'first'>,
    decideAnew: () => Pick<Admitted, 'taken' | 'blocked'>,
  ): Pick<Admitted, 'taken' | 'blocked'> {
    const { usage, facts, limitsVersion: versionOf } = this.#deps
    const [usageVersion, limitsVersion] = [usage.version, versionOf?.()]
    const mayKeep = limitsVersion !== undefined && (facts.overloads?.size ?? 0) === 0
    if (!mayKeep) return decideAnew()
    const kept = this.#kept[resource]
    const isSame =
      kept?.usageVersion === usageVersion &&
      kept.limitsVersion === limitsVersion &&
      kept.first === first &&
      kept.tickets.length === tickets.length &&
      kept.tickets.every((ticket, at) => ticket === tickets[at])
    if (isSame) return { taken: [], blocked: kept.blocked }
    const decided = decideAnew()
    if (decided.taken.length === 0 && !this.#usesRates)
      this.#kept[resource] = { tickets, first, usageVersion, limitsVersion, blocked: decided.blocked }
    else delete this.#kept[resource]
    return decided
  }

  /** One by one: the first may use up what its rate still allows. */
  #grantOverLimit(blocked: Blocked[], facts: OverLimitFacts, nowMs: number): Pick<Admitted, 'passes' | 'blocked'> {
    const due = this.#overLimit.due(blocked, facts, nowMs)
    const passes = due.filter(({ ticket }) => {
      const isWithin = facts.withinRatesAtMs(ticket) <= nowMs
      if (isWithin) this.#granted(ticket, nowMs)
      return isWithin
    })
    const passed = new Set(passes.map(({ ticket }) => ticket))
    const left = blocked.filter(({ ticket }) => !passed.has(ticket))
    const laterMs = due.filter(({ ticket }) => !passed.has(ticket)).map(({ ticket }) => facts.withinRatesAtMs(ticket))
    this.#wakeAtMs = this.#nextMs(left, laterMs)
    return { passes, blocked: left }
  }

  #granted(ticket: Ticket, nowMs: number): void {
    this.#overdue[ticket.resource].granted(ticket)
    if (ticket.resource === 'pull') return
    this.#overLimit.granted(ticket, nowMs)
    for (const scope of this.#deps.scopesOf(ticket, this.#deps.facts))
      if (scope.windowMs !== undefined) this.#rates.take(scope, ticket.slots, nowMs)
  }

  /** A grant could not be stored. */
  revoked(ticket: Ticket): void {
    this.#overdue[ticket.resource].revoked(ticket)
  }

  /**
   * Whether a grant whose slots are counted already is within the limits in force. A rate is of what is yet to be
   * granted.
   */
  isWithinLimits(grant: Grant): boolean {
    const { usage, facts, scopesOf } = this.#deps
    if (grant.isObserved) return true
    return scopesOf(grant, facts).every(scope => {
      if (scope.windowMs !== undefined) return true
      const inUse = usage.held(grant.resource, scope.id) - slotsIn(grant.slots, scope)
      return hasRoom(grant.slots, scope, { inUse, debt: usage.debt(grant.resource, scope.id) })
    })
  }

  /** When time alone may let somebody go. */
  wakeAtMs(): number | undefined {
    return this.#wakeAtMs
  }

  #inUse(resource: Resource, scope: Scope, nowMs: number): number {
    if (scope.windowMs === undefined) return this.#deps.usage.held(resource, scope.id)
    this.#usesRates = true
    return this.#rates.inUse(scope, nowMs)
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

  #overLimitFacts(scopesOf: (ticket: Ticket) => Scope[], nowMs: number): OverLimitFacts {
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

  #overdueFacts(resource: Resource, scopesOf: (ticket: Ticket) => Scope[], nowMs: number): OverdueFacts {
    const { usage, askedAtMs, firstAskedAtMs = askedAtMs } = this.#deps
    const isFull = ({ slots }: Ticket, scope: Scope): boolean =>
      !hasRoom(slots, scope, { inUse: this.#inUse(resource, scope, nowMs), debt: usage.debt(resource, scope.id) })
    return {
      askedAtMs: ticket => firstAskedAtMs(ticket, nowMs),
      hasOwnRoom: ticket => !scopesOf(ticket).some(s => s.limit === 0 || (isOwn(s) && isFull(ticket, s))),
      waitsLocally: ticket => scopesOf(ticket).some(s => isLocal(s) && isFull(ticket, s)),
    }
  }

  #nextMs(blocked: readonly Blocked[], laterMs: readonly number[]): number | undefined {
    const times = blocked.flatMap(({ obstacle: { scope } }) =>
      scope.windowMs === undefined ? [] : [this.#rates.changesAtMs(scope)],
    )
    const overLimitMs = this.#overLimit.wakeAtMs()
    const all = [...times, ...laterMs, ...(overLimitMs === undefined ? [] : [overLimitMs])]
    return all.length > 0 ? all.reduce((a, b) => Math.min(a, b)) : undefined
  }
}

function without(away: readonly Ticket[], decided: { taken: Taken[]; blocked: Blocked[] }): typeof decided {
  const isAway = new Set(away)
  return {
    taken: decided.taken.filter(({ ticket }) => !isAway.has(ticket)),
    blocked: decided.blocked.filter(({ ticket }) => !isAway.has(ticket)),
  }
}
