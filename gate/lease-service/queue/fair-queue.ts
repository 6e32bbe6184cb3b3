import { countedDebt, type InUse, isOwn, slotsIn } from '../limits/free-slots.ts'
import type { Scope } from '../limits/scope.ts'
import type { Ticket } from '../model/grant.ts'
import { compareAge, compareTickets } from './compare-tickets.ts'
import { contendedScopes, type Entry } from './contention.ts'
import { Line, newLine, type Obstacle, type Standing } from './line-up.ts'
import { lackingOf, linesOf } from './lines.ts'
import { takeTurns } from './weighted-turns.ts'

/** What a decision is made from. All tickets are of one resource. */
export interface QueueFacts {
  /** The limits in force for a ticket, widest first. */
  scopesOf: (ticket: Ticket) => Scope[]
  /** Slots that are held in a scope now, or of a rate: that were given out lately. */
  inUse: (scope: Scope) => number
  /** Slots that run there without a grant. */
  debt: (scope: Scope) => number
  /** Slots that a namespace holds now in a scope: who holds least there for its weight goes first. */
  heldBy: (namespace: string, scope: Scope) => number
  weightOf: (namespace: string) => number
  /** Key of a ticket that goes before all turns, since it was passed over for too long. */
  first?: string | undefined
  /** Told of each that goes: it may take slots where it has no limit itself, and others do. */
  onTaken?: (ticket: Ticket) => void
}

export interface Taken {
  ticket: Ticket
  /** Scopes whose limit is smaller than the request: it runs alone there. */
  oversizeIn: Scope[]
}

export interface Decided {
  taken: Taken[]
  /** All others. */
  line: Line
}

/**
 * Decides who goes now. A ticket fits every limit that concerns it or takes nothing. One that does not fit closes the
 * scopes it lacks room in, and no later ticket may use those, so nobody is overtaken where it waits for one limit. One
 * that lacks room in its own namespace's scopes closes only those. A frozen ticket closes nothing. `first` goes before
 * all others, and where it has room keeps it: who needs two limits which fill in turns could still be passed for ever.
 *
 * Tickets are looked at in turns. Whose share is least is next: the largest part of a limit, for its weight, that its
 * namespace holds in the scopes that they share and that are contended, then the age of its next ticket. Inside a
 * namespace the order is `compareTickets`; but one that waits for its node or registry does not hold up those that do
 * not use it. The result is a function of tickets and facts, and does not depend on the order of `tickets`. n log n.
 */
export function decide(tickets: readonly Ticket[], facts: QueueFacts): Decided {
  if (tickets.length === 0) return { taken: [], line: new Line([], () => []) }
  const round = new Round(facts)
  const entries = tickets.toSorted(compareTickets).map(ticket => ({ ticket, scopes: facts.scopesOf(ticket) }))
  const able = entries.filter(entry => !round.isFrozen(entry))
  const first = able.find(({ ticket }) => ticket.key === facts.first)
  if (first) round.visitFirst(first)
  visitByTurns(round, first ? able.filter(entry => entry !== first) : able)
  return { taken: round.taken, line: newLine(round.standing(entries), round.shares, first?.ticket) }
}

/** Once it is clear that nobody goes any more the order is nothing to anybody, and turns cost more than all else. */
function visitByTurns(round: Round, entries: readonly Entry[]): void {
  const widest = widestOfAll(entries)
  const isOver = (): boolean => widest !== undefined && round.isClosed(widest)
  if (entries.some(entry => round.hasRoom(entry))) {
    const { lines, free, full } = linesOf(entries, round.used)
    const contended = contendedScopes(free, round.used).union(full)
    takeTurns(lines, {
      shareOf: ({ ticket, scopes }) => {
        let share = 0
        for (const scope of scopes)
          if (contended.has(scope.id) && !isOwn(scope))
            share = Math.max(share, round.shares.shareOf(ticket.namespace, scope))
        return share
      },
      compare: (a, b) => compareAge(a.ticket, b.ticket),
      visit: entry => round.visit(entry),
      isOver,
    })
  }
  const went = new Set(round.taken.map(({ ticket }) => ticket))
  for (const entry of entries) if (!round.obstacles.has(entry.ticket) && !went.has(entry.ticket)) round.visit(entry)
}

/** Id of the limit that comes first for all of them, so that whoever is behind another is behind it there. */
function widestOfAll(entries: readonly Entry[]): string | undefined {
  const id = entries[0]?.scopes[0]?.id
  return entries.every(({ scopes }) => scopes[0]?.id === id) ? id : undefined
}

/** What has become of the tickets so far. */
class Round {
  readonly taken: Taken[] = []
  readonly obstacles = new Map<Ticket, Obstacle>()
  readonly shares: RoundShares
  readonly #facts: QueueFacts
  readonly #closed = new Set<string>()
  readonly #extra = new Map<string, number>()

  constructor(facts: QueueFacts) {
    this.#facts = facts
    this.shares = new RoundShares(facts)
  }

  readonly used = (scope: Scope): InUse => ({
    inUse: this.#facts.inUse(scope) + (this.#extra.get(scope.id) ?? 0),
    debt: this.#facts.debt(scope),
  })

  /** Those that do not go, in the order of `entries`. */
  standing(entries: readonly Entry[]): Standing[] {
    const standing: Standing[] = []
    for (const { ticket } of entries) {
      const obstacle = this.obstacles.get(ticket)
      if (obstacle) standing.push({ ticket, obstacle })
    }
    return standing
  }

  hasRoom({ ticket, scopes }: Entry): boolean {
    return lackingOf(ticket, scopes, this.used).length === 0
  }

  /** Whether nobody else goes who uses this scope. */
  isClosed(scopeId: string): boolean {
    return this.#closed.has(scopeId)
  }

  isFrozen({ ticket, scopes }: Entry): boolean {
    const frozen = scopes.find(({ limit }) => limit === 0)
    if (frozen) this.obstacles.set(ticket, this.#obstacle('frozen', ticket, frozen))
    return frozen !== undefined
  }

  /** Where it lacks room it keeps what it finds. */
  visitFirst(entry: Entry): void {
    this.visit(entry)
    if (this.obstacles.has(entry.ticket)) this.#use(entry)
  }

  /** Whether it takes slots. */
  visit(entry: Entry): boolean {
    const { ticket, scopes } = entry
    const obstacle = this.#obstacleOf(entry)
    if (obstacle) {
      this.obstacles.set(ticket, obstacle)
      return false
    }
    this.#use(entry)
    this.#facts.onTaken?.(ticket)
    this.taken.push({ ticket, oversizeIn: scopes.filter(s => slotsIn(ticket.slots, s) > s.limit && !s.isHeldBack) })
    return true
  }

  #use({ ticket: { namespace, slots }, scopes }: Entry): void {
    for (const scope of scopes) {
      add(this.#extra, scope.id, slotsIn(slots, scope))
      if (!isOwn(scope)) this.shares.took(namespace, scope, slots)
    }
  }

  /** What keeps a ticket from passing; closes scopes that it lacks room in for all who come later. */
  #obstacleOf({ ticket, scopes }: Entry): Obstacle | undefined {
    const lacking = lackingOf(ticket, scopes, this.used)
    if (lacking.length === 0) {
      const behind = scopes.find(({ id }) => this.#closed.has(id))
      return behind && this.#obstacle('behind', ticket, behind)
    }
    const own = lacking.find(isOwn)
    for (const scope of lacking) if (!own || isOwn(scope)) this.#closed.add(scope.id)
    const full = own ?? lacking[0]
    return full && this.#obstacle(slotsIn(ticket.slots, full) > full.limit ? 'oversize' : 'full', ticket, full)
  }

  #obstacle(kind: Obstacle['kind'], { slots }: Ticket, scope: Scope): Obstacle {
    const { inUse, debt } = this.used(scope)
    const counted = countedDebt(slots, scope, debt)
    return { kind, scope, inUse: inUse + counted, debt: counted }
  }
}

function add(counts: Map<string, number>, key: string, change: number): void {
  counts.set(key, (counts.get(key) ?? 0) + change)
}

/**
 * What namespaces hold by the facts and by what the round has given out. It may be asked later, when the facts count
 * that in: what a namespace of the round holds is noted.
 */
class RoundShares {
  readonly #facts: QueueFacts
  readonly #noted = new Map<string, number>()

  constructor(facts: QueueFacts) {
    this.#facts = facts
  }

  /** Part of a scope's limit that a namespace holds, for its weight. */
  shareOf(namespace: string, scope: Scope): number {
    return this.#heldBy(namespace, scope) * this.partOf(namespace, scope)
  }

  /** What one slot is worth of a scope's limit, for the namespace's weight. */
  partOf(namespace: string, scope: Scope): number {
    return 1 / (this.#facts.weightOf(namespace) * Math.max(1, scope.limit))
  }

  took(namespace: string, scope: Scope, slots: number): void {
    this.#noted.set(`${namespace} ${scope.id}`, this.#heldBy(namespace, scope) + slots)
  }

  #heldBy(namespace: string, scope: Scope): number {
    const noted = this.#noted.size > 0 ? this.#noted.get(`${namespace} ${scope.id}`) : undefined
    return noted ?? this.#facts.heldBy(namespace, scope)
  }
}
