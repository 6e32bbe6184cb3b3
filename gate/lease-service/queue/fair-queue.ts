import { countedDebt, type InUse, isOwn, slotsIn } from '../limits/free-slots.ts'
import type { Scope } from '../limits/scope.ts'
import type { Ticket } from '../model/grant.ts'
import { contendedScopes, type Entry } from './contention.ts'
import { getOrMake, lackingOf, linesOf } from './lines.ts'
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

/** Why a ticket cannot pass. `behind`: there may be room, but an earlier one waits for this scope. */
export interface Obstacle {
  kind: 'frozen' | 'full' | 'oversize' | 'behind'
  scope: Scope
  inUse: number
  /** Part of `inUse`: starts without a grant. */
  debt: number
}

export interface Blocked {
  ticket: Ticket
  obstacle: Obstacle
  /** In the line for the obstacle's scope, in the order in which they would be taken; 1 is next. */
  place: number
  of: number
}

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

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
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
export function decide(tickets: readonly Ticket[], facts: QueueFacts): { taken: Taken[]; blocked: Blocked[] } {
  if (tickets.length === 0) return { taken: [], blocked: [] }
  const round = new Round(facts)
  const entries = tickets.toSorted(compareTickets).map(ticket => ({ ticket, scopes: facts.scopesOf(ticket) }))
  const able = entries.filter(entry => !round.isFrozen(entry))
  const first = able.find(({ ticket }) => ticket.key === facts.first)
  if (first) round.visitFirst(first)
  visitByTurns(round, first ? able.filter(entry => entry !== first) : able)
  return { taken: round.taken, blocked: lineUp(entries, round) }
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
          if (contended.has(scope.id) && !isOwn(scope)) share = Math.max(share, round.shareOf(ticket.namespace, scope))
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
  first: Ticket | undefined
  readonly #facts: QueueFacts
  readonly #closed = new Set<string>()
  readonly #extra = new Map<string, number>()
  readonly #extraBy = new Map<string, number>()

  constructor(facts: QueueFacts) {
    this.#facts = facts
  }

  readonly used = (scope: Scope): InUse => ({
    inUse: this.#facts.inUse(scope) + (this.#extra.get(scope.id) ?? 0),
    debt: this.#facts.debt(scope),
  })

  /** Part of a scope's limit that a namespace holds, for its weight. */
  shareOf(namespace: string, scope: Scope): number {
    const extra = this.#extraBy.size > 0 ? (this.#extraBy.get(`${namespace} ${scope.id}`) ?? 0) : 0
    return (this.#facts.heldBy(namespace, scope) + extra) * this.partOf(namespace, scope)
  }

  /** What one slot is worth of a scope's limit, for the namespace's weight. */
  partOf(namespace: string, scope: Scope): number {
    return 1 / (this.#facts.weightOf(namespace) * Math.max(1, scope.limit))
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
    this.first = entry.ticket
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
      if (!isOwn(scope)) add(this.#extraBy, `${namespace} ${scope.id}`, slots)
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
 * Those of one namespace that wait for one scope, and the share that they would have if those before got their slots.
 */
interface Waiters {
  share: number
  /** Of one slot. */
  part: number
}

/**
 * Places in line: turns are taken once more among those who wait for one scope, by shares of it, each counted as if it
 * got its slots.
 */
function lineUp(entries: readonly Entry[], round: Round): Blocked[] {
  const lengths = new Map<string, { of: number; placed: number }>()
  /** By scope and namespace. */
  const lines = new Map<string, Map<string, { ticket: Ticket; obstacle: Obstacle; waiters: Waiters }[]>>()
  const blocked: Blocked[] = []
  const place = (ticket: Ticket, obstacle: Obstacle): void => {
    const length = lengths.get(obstacle.scope.id) ?? { of: 1, placed: 0 }
    length.placed += 1
    blocked.push({ ticket, obstacle, place: length.placed, of: length.of })
  }
  for (const { ticket } of entries) {
    const obstacle = round.obstacles.get(ticket)
    if (!obstacle) continue
    const { namespace } = ticket
    const { scope } = obstacle
    getOrMake(lengths, scope.id, () => ({ of: 0, placed: 0 })).of += 1
    if (round.first === ticket) continue
    const line = getOrMake(
      getOrMake(lines, scope.id, () => new Map()),
      namespace,
      () => [],
    )
    const waiters = line[0]?.waiters ?? {
      share: round.shareOf(namespace, scope),
      part: round.partOf(namespace, scope),
    }
    line.push({ ticket, obstacle, waiters })
  }
  const ofFirst = round.first && round.obstacles.get(round.first)
  if (round.first && ofFirst) place(round.first, ofFirst)
  const allLines = [...lines.values()].flatMap(inScope => [...inScope.values()])
  takeTurns(allLines, {
    shareOf: ({ waiters }) => waiters.share,
    compare: (a, b) => compareAge(a.ticket, b.ticket),
    visit: ({ ticket, obstacle, waiters }) => {
      waiters.share += ticket.slots * waiters.part
      place(ticket, obstacle)
      return false
    },
  })
  return blocked
}
