import type { Scope } from './limits.ts'
import type { Ticket } from './model.ts'

/** What a decision is made from. All tickets are of one resource. */
export interface QueueFacts {
  /** The limits in force for a ticket, widest first. */
  scopesOf: (ticket: Ticket) => Scope[]
  /** Slots that are held in a scope now, or of a rate: that were given out lately. */
  inUse: (scope: Scope) => number
  /** Slots that run there without a grant. */
  debt: (scope: Scope) => number
  /** Slots its namespace holds now: who holds least for its weight goes first. */
  heldBy: (namespace: string) => number
  weightOf: (namespace: string) => number
  /** Key of a ticket that goes before all turns, since it was passed over for too long. */
  first?: string | undefined
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
  /** No earlier one lacks room where this one does. */
  isHead: boolean
}

export interface Blocked {
  ticket: Ticket
  obstacle: Obstacle
  /** In the line for the obstacle's scope, in the order in which they would be taken; 1 is next. */
  place: number
  of: number
}

/** Priority, then age, then UID: the order inside a namespace, and between namespaces that hold as much. Total. */
export function compareTickets(a: Ticket, b: Ticket): number {
  return (
    b.priority - a.priority ||
    a.createdAtMs - b.createdAtMs ||
    compareText(a.podUid, b.podUid) ||
    compareText(a.key, b.key)
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Decides who goes now. Tickets are looked at in turn: the namespace that holds least first, then `compareTickets`.
 * A ticket fits every limit that concerns it or takes nothing. One that does not fit closes the scopes it lacks room in, and
 * no later ticket may use those, so nobody is overtaken where it waits for one limit. One that needs two limits which fill in turns
 * could still be passed for ever: `first` goes before all others, and where it has room keeps it. A frozen ticket closes nothing: nobody could pass it there
 * anyway, and it must not hold up other scopes. The result does not depend on the order of `tickets`.
 */
export function decide(tickets: readonly Ticket[], facts: QueueFacts): { taken: Taken[]; blocked: Blocked[] } {
  const sorted = tickets.toSorted(compareTickets)
  const extra = new Map<string, number>()
  const closed = new Set<string>()
  const taken: Taken[] = []
  const obstacles = new Map<Ticket, Obstacle>()
  const state = { inUse: (s: Scope) => facts.inUse(s) + (extra.get(s.id) ?? 0), debt: facts.debt, closed }
  const use = (ticket: Ticket, scopes: Scope[]): void => {
    for (const { id } of scopes) extra.set(id, (extra.get(id) ?? 0) + ticket.slots)
  }
  const visit = (ticket: Ticket): number => {
    const scopes = facts.scopesOf(ticket)
    const obstacle = obstacleOf(ticket, scopes, state)
    if (obstacle) {
      obstacles.set(ticket, obstacle)
      if (ticket === first && obstacle.kind !== 'frozen') use(ticket, scopes)
      return 0
    }
    use(ticket, scopes)
    taken.push({ ticket, oversizeIn: scopes.filter(s => ticket.slots > s.limit && !s.isHeldBack) })
    return ticket.slots
  }
  const first = sorted.find(ticket => ticket.key === facts.first)
  const firstTook = first ? visit(first) : 0
  const share = { ...facts, heldBy: (n: string) => facts.heldBy(n) + (n === first?.namespace ? firstTook : 0) }
  takeTurns(
    sorted.filter(ticket => ticket !== first),
    share,
    visit,
  )
  return { taken, blocked: lineUp(sorted, obstacles, share) }
}

/** What keeps a ticket from passing; closes the scopes it lacks room in for all who come later. */
function obstacleOf(
  { slots }: Ticket,
  scopes: Scope[],
  state: Pick<QueueFacts, 'inUse' | 'debt'> & { closed: Set<string> },
): Obstacle | undefined {
  const debtIn = (s: Scope) => countedDebt(slots, s, state.debt(s))
  let isHead = false
  const obstacle = (kind: Obstacle['kind'], scope: Scope): Obstacle => {
    const debt = debtIn(scope)
    return { kind, scope, inUse: state.inUse(scope) + debt, debt, isHead }
  }
  const frozen = scopes.find(s => s.limit === 0)
  if (frozen) return obstacle('frozen', frozen)
  const full = scopes.filter(s => !fits(slots, state.inUse(s) + debtIn(s), s.limit))
  const behind = scopes.find(s => state.closed.has(s.id))
  isHead = full.some(s => !state.closed.has(s.id))
  for (const { id } of full) state.closed.add(id)
  if (full[0]) return obstacle(slots > full[0].limit ? 'oversize' : 'full', full[0])
  return behind && obstacle('behind', behind)
}

/** Debt takes no more room than leaves the request alone in its scope: two hundred crash-loopers must not freeze a node. */
function countedDebt(slots: number, { limit }: Scope, debt: number): number {
  return Math.min(debt, Math.max(0, limit - slots))
}

/** Whether a request would be granted where so many slots are in use, and so many run without a grant. */
export function hasRoom(slots: number, scope: Scope, { inUse, debt }: { inUse: number; debt: number }): boolean {
  return scope.limit > 0 && fits(slots, inUse + countedDebt(slots, scope, debt), scope.limit)
}

/** A request larger than the limit fits when it is alone. */
function fits(slots: number, inUse: number, limit: number): boolean {
  return inUse + slots <= limit || (slots > limit && inUse === 0)
}

/** Places in line: turns are taken once more among those who wait, each counted as if it got its slots. */
function lineUp(sorted: Ticket[], obstacles: Map<Ticket, Obstacle>, share: Share): Blocked[] {
  const lengths = new Map<string, number>()
  const waiting = sorted.flatMap(ticket => {
    const obstacle = obstacles.get(ticket)
    if (obstacle) lengths.set(obstacle.scope.id, (lengths.get(obstacle.scope.id) ?? 0) + 1)
    return obstacle ? [ticket] : []
  })
  const places = new Map<string, number>()
  const blocked: Blocked[] = []
  takeTurns(waiting, share, ticket => {
    const obstacle = obstacles.get(ticket)
    if (!obstacle) return 0
    const { id } = obstacle.scope
    const place = (places.get(id) ?? 0) + 1
    places.set(id, place)
    blocked.push({ ticket, obstacle, place, of: lengths.get(id) ?? place })
    return ticket.slots
  })
  return blocked
}

type Share = Pick<QueueFacts, 'heldBy' | 'weightOf'>

interface Line {
  /** Slots, for the namespace's weight. */
  held: number
  weight: number
  /** Places of its tickets among all, in order. */
  ranks: number[]
  next: number
  /** Of the ticket whose turn is next. */
  rank: number
}

/**
 * Visits every ticket once, always the next one of the namespace that holds least for its weight; `visit` returns the slots to count as
 * held by the ticket's namespace from then on. n log m for n sorted tickets of m namespaces.
 */
function takeTurns(sorted: Ticket[], { heldBy, weightOf }: Share, visit: (ticket: Ticket) => number): void {
  const lines = new Map<string, Line>()
  for (const [rank, { namespace }] of sorted.entries()) {
    const line = lines.get(namespace)
    if (line) {
      line.ranks.push(rank)
      continue
    }
    const weight = weightOf(namespace)
    lines.set(namespace, { held: heldBy(namespace) / weight, weight, ranks: [rank], next: 0, rank })
  }
  // A binary heap with the line whose turn it is on top; only the top ever changes.
  const heap = [...lines.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1))
  for (let top = heap[0]; top; top = heap[0]) {
    const ticket = sorted[top.rank]
    if (ticket) top.held += visit(ticket) / top.weight
    const rank = top.ranks[++top.next]
    if (rank === undefined) {
      const last = heap.pop()
      if (last && last !== top) heap[0] = last
    } else top.rank = rank
    siftDown(heap)
  }
}

/** The ranks are of sorted tickets, so this is the order of their tickets. */
function isBefore(a: Line, b: Line): boolean {
  return a.held === b.held ? a.rank < b.rank : a.held < b.held
}

function siftDown(heap: Line[]): void {
  const line = heap[0]
  if (!line) return
  let at = 0
  for (;;) {
    const left = heap[2 * at + 1]
    if (!left) break
    const right = heap[2 * at + 2]
    const [child, childAt] = right && isBefore(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1]
    if (!isBefore(child, line)) break
    heap[at] = child
    at = childAt
  }
  heap[at] = line
}
