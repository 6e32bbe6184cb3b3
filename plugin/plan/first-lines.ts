import { isLocal, isOwn } from '../../gate/lease-service/limits/free-slots.ts'
import type { Scope } from '../../gate/lease-service/limits/scope.ts'
import type { Ticket } from '../../gate/lease-service/model/grant.ts'
import { compareTickets } from '../../gate/lease-service/queue/compare-tickets.ts'
import type { WaitingLines } from './waiting-lines.ts'

/** Tickets of a group on one node, in the queue's order. */
interface Line {
  node: string
  tickets: Ticket[]
}

/** Lines of one namespace, size and priority, by their first tickets. */
interface Group {
  lines: Line[]
  byNode: Map<string, Line>
  size: number
}

export interface RoomFacts {
  scopesOf: (ticket: Ticket) => Scope[]
  /** Slots of the scope's limit that are free now. */
  freeIn: (scope: Scope) => number
}

/**
 * Only those in sight who would be the first of their namespace to go: as many as ask for more than there is room for,
 * of nodes that have room, and one for all whose nodes have none. So a decision costs as much as there are slots free
 * and namespaces, however many wait. How contended a node is, by which the queue goes where namespaces have equal
 * shares, and who has waited for longest on a full node it cannot know: another namespace may go first than in truth.
 */
export class FirstLines implements WaitingLines {
  readonly #groups = new Map<string, Group>()
  readonly #facts: RoomFacts
  /** By ticket in sight; those of one group share it. */
  readonly #behind = new Map<Ticket, { count: number }>()
  #size = 0

  constructor(facts: RoomFacts) {
    this.#facts = facts
  }

  get size(): number {
    return this.#size
  }

  add(ticket: Ticket): void {
    const key = groupKey(ticket)
    const group = this.#groups.get(key) ?? { lines: [], byNode: new Map<string, Line>(), size: 0 }
    this.#groups.set(key, group)
    const line = group.byNode.get(ticket.nodeName) ?? { node: ticket.nodeName, tickets: [] }
    const place = placeOf(line.tickets, other => compareTickets(other, ticket) < 0)
    if (place === 0) leave(group, line)
    line.tickets.splice(place, 0, ticket)
    if (place === 0) enter(group, line)
    group.size += 1
    this.#size += 1
  }

  remove(ticket: Ticket): void {
    const group = this.#groups.get(groupKey(ticket))
    const line = group?.byNode.get(ticket.nodeName)
    const at = line?.tickets.indexOf(ticket) ?? -1
    if (!group || !line || at < 0) return
    if (at === 0) leave(group, line)
    line.tickets.splice(at, 1)
    if (at === 0) enter(group, line)
    group.size -= 1
    this.#size -= 1
  }

  inSight(): Ticket[] {
    this.#behind.clear()
    return [...this.#groups.values()].flatMap(group => this.#firstsOf(group))
  }

  takeBehind(ticket: Ticket): number {
    const behind = this.#behind.get(ticket)
    if (!behind) return 0
    const { count } = behind
    behind.count = 0
    return count
  }

  #firstsOf({ lines, size }: Group): Ticket[] {
    const [head] = lines[0]?.tickets ?? []
    if (!head) return []
    const { able, full } = this.#look(lines, this.#mostFor(head))
    const waitsForNode = full[0]?.tickets[0]
    const ofFull = full.reduce((sum, { tickets }) => sum + tickets.length, 0)
    const others = { count: size - ofFull - able.length }
    for (const ticket of able) this.#behind.set(ticket, others)
    if (waitsForNode) this.#behind.set(waitsForNode, { count: ofFull - 1 })
    return waitsForNode ? [...able, waitsForNode] : able
  }

  /** The first ones whose node has room, and the lines before them whose node has none. */
  #look(lines: readonly Line[], most: number): { able: Ticket[]; full: Line[] } {
    const able: Ticket[] = []
    const full: Line[] = []
    let found = 0
    for (const line of lines) {
      if (found >= most) break
      const [first] = line.tickets
      const room = first ? Math.min(...this.#roomFor(first, isLocal)) : 0
      if (room < 1) full.push(line)
      else {
        found += 1
        for (const ticket of line.tickets.slice(0, Math.min(room + 1, most))) able.push(ticket)
      }
    }
    return { able: able.sort(compareTickets).slice(0, most), full }
  }

  /**
   * As many as ask for more than the cluster has room for, so that it shows how contended that is; where it has no
   * limit, than the namespace has.
   */
  #mostFor(head: Ticket): number {
    const ofCluster = this.#roomFor(head, scope => !isLocal(scope) && !isOwn(scope))
    const ofOwn = this.#roomFor(head, scope => !isLocal(scope) && isOwn(scope))
    const room = ofCluster.length > 0 ? ofCluster : ofOwn
    return Math.max(0, Math.min(...room)) + 2
  }

  /** How many such tickets each of these scopes has room for. One that is larger than the limit runs alone. */
  #roomFor(ticket: Ticket, picks: (scope: Scope) => boolean): number[] {
    return this.#facts
      .scopesOf(ticket)
      .filter(picks)
      .map(scope => {
        const free = this.#facts.freeIn(scope)
        return ticket.slots > scope.limit && free >= scope.limit ? 1 : Math.floor(free / ticket.slots)
      })
  }
}

function groupKey({ namespace, slots, priority }: Ticket): string {
  return `${namespace} ${slots} ${priority}`
}

/** Takes a line out before its first ticket changes. */
function leave({ lines, byNode }: Group, line: Line): void {
  if (byNode.get(line.node) !== line) return
  lines.splice(lines.indexOf(line), 1)
  byNode.delete(line.node)
}

/** Puts it back, where it has any ticket. */
function enter({ lines, byNode }: Group, line: Line): void {
  const [first] = line.tickets
  if (!first) return
  lines.splice(
    placeOf(lines, ({ tickets: [other] }) => other !== undefined && compareTickets(other, first) < 0),
    0,
    line,
  )
  byNode.set(line.node, line)
}

/** How many of the first ones are before, in order. */
function placeOf<T>(all: readonly T[], isBefore: (one: T) => boolean): number {
  let [low, high] = [0, all.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const one = all[middle]
    if (one !== undefined && isBefore(one)) low = middle + 1
    else high = middle
  }
  return low
}
