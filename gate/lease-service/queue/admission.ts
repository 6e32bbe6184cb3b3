import { hasRoom, isLocal, isOwn, slotsIn } from '../limits/free-slots.ts'
import { isRamped } from '../limits/pull-ramp.ts'
import type { LimitFacts, Scope } from '../limits/scope.ts'
import type { scopesOf as scopesByLimits } from '../limits/scopes.ts'
import type { Usage } from '../limits/slot-usage.ts'
import type { Grant, Resource, Ticket } from '../model/grant.ts'
import { type Decided, decide, type QueueFacts, type Taken } from './fair-queue.ts'
import { type Group, LimitGroups, oldestFirst } from './limit-groups.ts'
import { blockedOf, eachStanding, type Line } from './line-up.ts'
import { mayPassAny, type OverLimitFacts, type OverLimitGrant, OverLimitGrants } from './over-limit-grants.ts'
import { Overdue, type OverdueFacts } from './overdue.ts'
import { Rates } from './rates.ts'
import { UnrampedPulls } from './unramped-pulls.ts'

export interface AdmissionDeps {
  usage: Usage
  scopesOf: typeof scopesByLimits
  facts: LimitFacts
  /** Another number whenever a limit or weight of `facts` may be another; without it each decision is made anew. */
  limitsVersion?: () => number
  /** When the ticket's gate first asked this leader. */
  askedAtMs: (ticket: Ticket) => number
  /** The same of any leader, as far as it can be known; without it, of this one. */
  firstAskedAtMs?: (ticket: Ticket, nowMs: number) => number
  /** When this process began to lead. */
  sinceMs: number
}

/** Who waits for one resource, and who is away that would stand in line. */
export interface InLine {
  tickets: readonly Ticket[]
  away: readonly Ticket[]
}

export interface Admitted {
  taken: Taken[]
  /** Those that pass although there is no room. */
  passes: OverLimitGrant[]
  /** Of each group of tickets that have limits in common. */
  lines: Line[]
}

/** Joins the queue's decision with what it goes by: slots held and owed, rates, floors, and who was passed over. */
export class Admission {
  readonly #deps: AdmissionDeps
  readonly #rates: Rates
  readonly #overLimit = new OverLimitGrants()
  readonly #overdue: Record<Resource, Overdue>
  readonly #groups: Record<Resource, LimitGroups>
  /** The decision that is being made goes by time, too. */
  #usesRates = false
  readonly #unramped: UnrampedPulls
  #wakeAtMs: number | undefined

  constructor(deps: AdmissionDeps) {
    this.#deps = deps
    this.#overdue = {
      pull: new Overdue(namespace => isRamped(namespace, deps.facts)),
      start: new Overdue(),
    }
    this.#rates = new Rates(deps.sinceMs)
    this.#unramped = new UnrampedPulls(deps.facts)
    this.#groups = { pull: newGroups(deps), start: newGroups(deps) }
  }

  /** Who goes now of those who wait for one resource. Turns of those who are away are kept: they go to nobody. */
  decide(resource: Resource, line: InLine, nowMs: number): Admitted {
    this.#unramped.clear()
    // A line for starts may have floors that hear of it.
    if (resource === 'pull' && line.tickets.length + line.away.length === 0) return { taken: [], lines: [], passes: [] }
    return this.#decide(resource, line, nowMs)
  }

  #decide(resource: Resource, { tickets, away }: InLine, nowMs: number): Admitted {
    const all = away.length > 0 ? [...tickets, ...away] : tickets
    const groups = this.#groupsNow(resource, all)
    const scopesOf = (ticket: Ticket): Scope[] => groups.scopesOf(ticket)
    // As long as turns are kept for some, it is not known who waits for longest.
    const first =
      away.length > 0
        ? undefined
        : this.#overdue[resource].first(tickets, this.#overdueFacts(resource, scopesOf, nowMs), nowMs)
    const taken: Taken[] = []
    const lines: Line[] = []
    const isAway = new Set(away)
    const mayPass = mayPassAny(this.#deps.facts)
    const inOrder = mayPass ? oldestFirst(groups.gather(all)) : groups.gather(all)
    const firstTicket = first === undefined ? undefined : tickets.find(({ key }) => key === first)
    const groupOfFirst = firstTicket && groups.groupOf(firstTicket)
    for (const [group, members] of inOrder) {
      const of = { tickets: members, scopesOf, first: group === groupOfFirst ? first : undefined }
      const decided = this.#decideGroup(resource, group, of, nowMs)
      for (const each of decided.taken) if (!isAway.has(each.ticket)) taken.push(each)
      lines.push(decided.line.without(isAway))
    }
    for (const { ticket } of taken) this.#granted(ticket, nowMs)
    if (resource === 'pull') return { taken, lines, passes: [] }
    const facts = { ...this.#overLimitFacts(scopesOf, nowMs), mayPass }
    return { taken, ...this.#grantOverLimit(lines, facts, nowMs) }
  }

  /** The groups as limits and what is held make them now. */
  #groupsNow(resource: Resource, tickets: readonly Ticket[]): LimitGroups {
    const { usage, limitsVersion } = this.#deps
    const groups = this.#groups[resource]
    groups.look(limitsVersion?.(), tickets)
    for (const scopeId of usage.takeChanged(resource)) groups.changed(scopeId)
    return groups
  }

  /**
   * The last decision once more, if nobody went by it and nothing has changed since: most steps follow on what happened
   * on a few nodes, or on a status that changes no slot.
   */
  #decideGroup(
    resource: Resource,
    group: Group,
    { tickets, scopesOf, first }: { tickets: Ticket[]; scopesOf: QueueFacts['scopesOf']; first: string | undefined },
    nowMs: number,
  ): Decided {
    const { usage, facts } = this.#deps
    const { kept } = group
    if (kept && kept.first === first && haveSame(kept.tickets, tickets)) return { taken: [], line: kept.line }
    this.#usesRates = false
    const decided = decide(tickets, {
      scopesOf,
      inUse: scope => this.#inUse(resource, scope, nowMs),
      debt: scope => usage.debt(resource, scope.id),
      heldBy: (namespace, scope) => usage.heldBy(resource, namespace, scope),
      weightOf: namespace => weightOf(facts, namespace),
      first,
      onTaken: ticket => this.#unramped.taken(ticket),
    })
    const stands = decided.taken.length === 0 && !this.#usesRates && this.#unramped.isEmpty
    group.kept = stands ? { tickets, first, line: decided.line } : undefined
    return decided
  }

  /** One by one: the first may use up what its rate still allows. */
  #grantOverLimit(
    lines: Line[],
    facts: OverLimitFacts & { mayPass: boolean },
    nowMs: number,
  ): Pick<Admitted, 'passes' | 'lines'> {
    const due = this.#overLimit.due(facts.mayPass ? blockedOf(lines) : [], facts, nowMs)
    const passes = due.filter(({ ticket }) => {
      const isWithin = facts.withinRatesAtMs(ticket) <= nowMs
      if (isWithin) this.#granted(ticket, nowMs)
      return isWithin
    })
    const passed = new Set(passes.map(({ ticket }) => ticket))
    const left = lines.map(line => line.without(passed))
    const laterMs = due.filter(({ ticket }) => !passed.has(ticket)).map(({ ticket }) => facts.withinRatesAtMs(ticket))
    this.#wakeAtMs = this.#nextMs(left, laterMs)
    return { passes, lines: left }
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
    if (scope.windowMs === undefined) return this.#deps.usage.held(resource, scope.id) + this.#unramped.in(scope.id)
    this.#usesRates = true
    return this.#rates.inUse(scope, nowMs)
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

  #nextMs(lines: readonly Line[], laterMs: readonly number[]): number | undefined {
    let nextMs = this.#overLimit.wakeAtMs() ?? Number.POSITIVE_INFINITY
    for (const ms of laterMs) nextMs = Math.min(nextMs, ms)
    eachStanding(lines, ({ obstacle: { scope } }) => {
      if (scope.windowMs !== undefined) nextMs = Math.min(nextMs, this.#rates.changesAtMs(scope))
    })
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs
  }
}

function newGroups({ scopesOf, facts }: AdmissionDeps): LimitGroups {
  return new LimitGroups({
    scopesOf: ticket => scopesOf(ticket, facts),
    weightOf: namespace => weightOf(facts, namespace),
  })
}

function weightOf({ namespaces }: LimitFacts, namespace: string): number {
  return namespaces.get(namespace)?.weight ?? 1
}

function haveSame(before: readonly Ticket[], now: readonly Ticket[]): boolean {
  return before.length === now.length && before.every((ticket, i) => ticket === now[i])
}
