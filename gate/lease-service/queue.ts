import type { Scope } from './limits.ts'
import type { Ticket } from './model.ts'

/** What a decision is made from. All tickets are of one resource. */
export interface QueueFacts {
  /** The limits in force for a ticket, widest first. */
  scopesOf: (ticket: Ticket) => Scope[]
  /** Slots that count against a scope's limit now. */
  inUse: (scopeId: string) => number
  /** Slots its namespace holds now: who holds least goes first. */
  heldBy: (namespace: string) => number
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
 * no later ticket may use those, so nobody is overtaken where it waits for one limit. (One that needs several slots at once
 * of two limits that fill in turns can wait for long.) A frozen ticket closes nothing: nobody could pass it there
 * anyway, and it must not hold up other scopes. The result does not depend on the order of `tickets`.
 */
export function decide(tickets: readonly Ticket[], facts: QueueFacts): { taken: Taken[]; blocked: Blocked[] } {
  const sorted = tickets.toSorted(compareTickets)
  const extra = new Map<string, number>()
  const closed = new Set<string>()
  const taken: Taken[] = []
  const obstacles = new Map<Ticket, Obstacle>()
  const inUse = (id: string): number => facts.inUse(id) + (extra.get(id) ?? 0)

  takeTurns(sorted, facts.heldBy, ticket => {
    const scopes = facts.scopesOf(ticket)
    const obstacle = obstacleOf(ticket, scopes, { inUse, closed })
    if (obstacle) {
      obstacles.set(ticket, obstacle)
      return 0
    }
    for (const { id } of scopes) extra.set(id, (extra.get(id) ?? 0) + ticket.slots)
    taken.push({ ticket, oversizeIn: scopes.filter(s => ticket.slots > s.limit) })
    return ticket.slots
  })
  return { taken, blocked: lineUp(sorted, obstacles, facts.heldBy) }
}

/** What keeps a ticket from passing; closes the scopes it lacks room in for all who come later. */
function obstacleOf(
  { slots }: Ticket,
  scopes: Scope[],
  state: { inUse: (id: string) => number; closed: Set<string> },
): Obstacle | undefined {
  const obstacle = (kind: Obstacle['kind'], scope: Scope): Obstacle => ({ kind, scope, inUse: state.inUse(scope.id) })
  const frozen = scopes.find(s => s.limit === 0)
  if (frozen) return obstacle('frozen', frozen)
  const full = scopes.filter(s => !fits(slots, state.inUse(s.id), s.limit))
  const behind = scopes.find(s => state.closed.has(s.id))
  for (const { id } of full) state.closed.add(id)
  if (full[0]) return obstacle(slots > full[0].limit ? 'oversize' : 'full', full[0])
  return behind && obstacle('behind', behind)
}

/** A request larger than the limit fits when it is alone. */
function fits(slots: number, inUse: number, limit: number): boolean {
  return inUse + slots <= limit || (slots > limit && inUse === 0)
}

/** Places in line: turns are taken once more among those who wait, each counted as if it got its slots. */
function lineUp(sorted: Ticket[], obstacles: Map<Ticket, Obstacle>, heldBy: (namespace: string) => number): Blocked[] {
  const lengths = new Map<string, number>()
  const waiting = sorted.flatMap(ticket => {
    const obstacle = obstacles.get(ticket)
    if (obstacle) lengths.set(obstacle.scope.id, (lengths.get(obstacle.scope.id) ?? 0) + 1)
    return obstacle ? [ticket] : []
  })
  const places = new Map<string, number>()
  const blocked: Blocked[] = []
  takeTurns(waiting, heldBy, ticket => {
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

interface Line {
  held: number
  tickets: Ticket[]
  next: number
}

/**
 * Visits every ticket once, always the next one of the namespace that holds least; `visit` returns the slots to count as
 * held by the ticket's namespace from then on. n log m for n sorted tickets of m namespaces.
 */
function takeTurns(sorted: Ticket[], heldBy: (namespace: string) => number, visit: (ticket: Ticket) => number): void {
  const lines = new Map<string, Line>()
  for (const ticket of sorted) {
    const line = lines.get(ticket.namespace)
    if (line) line.tickets.push(ticket)
    else lines.set(ticket.namespace, { held: heldBy(ticket.namespace), tickets: [ticket], next: 0 })
  }
  // A binary heap with the line whose turn it is on top; only the top ever changes.
  const heap = [...lines.values()].sort(compareLines)
  for (let top = heap[0]; top; top = heap[0]) {
    const ticket = top.tickets[top.next++]
    if (ticket) top.held += visit(ticket)
    if (top.next >= top.tickets.length) {
      const last = heap.pop()
      if (last && last !== top) heap[0] = last
    }
    siftDown(heap)
  }
}

function compareLines(a: Line, b: Line): number {
  const [x, y] = [a.tickets[a.next], b.tickets[b.next]]
  return a.held - b.held || (x && y ? compareTickets(x, y) : 0)
}

function siftDown(heap: Line[]): void {
  let at = 0
  for (;;) {
    let least = at
    for (const child of [2 * at + 1, 2 * at + 2]) {
      const [a, b] = [heap[child], heap[least]]
      if (a && b && compareLines(a, b) < 0) least = child
    }
    const [parent, child] = [heap[at], heap[least]]
    if (least === at || !parent || !child) return
    heap[at] = child
    heap[least] = parent
    at = least
  }
}
