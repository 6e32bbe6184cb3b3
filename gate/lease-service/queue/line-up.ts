import type { Scope } from '../limits/scope.ts'
import type { Ticket, Waiting } from '../model/grant.ts'
import { compareAge } from './compare-tickets.ts'
import { getOrMake } from './lines.ts'
import { takeTurns } from './weighted-turns.ts'

/** Why a ticket cannot pass. `behind`: there may be room, but an earlier one waits for this scope. */
export interface Obstacle {
  kind: 'frozen' | 'full' | 'oversize' | 'behind'
  scope: Scope
  inUse: number
  /** Part of `inUse`: starts without a grant. */
  debt: number
}

/** A ticket that does not go now. */
export interface Standing {
  readonly ticket: Ticket
  readonly obstacle: Obstacle
}

export interface Blocked extends Standing {
  /** In the line for the obstacle's scope, in the order in which they would be taken; 1 is next. */
  readonly place: number
  readonly of: number
  /** What was said of it last, kept for whoever says it again: where nothing moves thousands are told the same. */
  row: Waiting | undefined
}

/** Those who do not go by one decision. Their places are looked up when they are asked for: most are never told. */
export class Line {
  /** Once they have places, those are kept alone: there may be very many. */
  #of: readonly Standing[] | readonly Blocked[]
  #lineUp: ((standing: readonly Standing[]) => readonly Blocked[]) | undefined

  constructor(standing: readonly Standing[], lineUp: (standing: readonly Standing[]) => readonly Blocked[]) {
    this.#of = standing
    this.#lineUp = lineUp
  }

  /** In no order. */
  get standing(): readonly Standing[] {
    return this.#of
  }

  /** The same without these. */
  without(tickets: ReadonlySet<Ticket>): Line {
    const isLeft = ({ ticket }: Standing): boolean => !tickets.has(ticket)
    return tickets.size === 0 ? this : new Line(this.standing.filter(isLeft), () => this.blocked.filter(isLeft))
  }

  /** In the order in which they would be taken. */
  get blocked(): readonly Blocked[] {
    const lineUp = this.#lineUp
    this.#lineUp = undefined
    if (lineUp) this.#of = lineUp(this.#of)
    return this.#of as readonly Blocked[]
  }
}

/** For all who stand in these, in no order. They are many, and an iterator would make an object for each. */
export function eachStanding(lines: readonly Line[], act: (standing: Standing) => void): void {
  for (const { standing } of lines) for (const each of standing) act(each)
}

/** All of these, in the order in which those of each would be taken. */
export function blockedOf(lines: readonly Line[]): Blocked[] {
  return lines.flatMap(({ blocked }) => blocked)
}

/** Apart from the decision, so that nothing else of it is kept. */
export function newLine(standing: readonly Standing[], shares: Shares, first?: Ticket): Line {
  return new Line(standing, all => lineUp(all, shares, first))
}

/** What namespaces hold, those counted in that went by the decision. */
export interface Shares {
  shareOf: (namespace: string, scope: Scope) => number
  partOf: (namespace: string, scope: Scope) => number
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
 * got its slots. `standing` in the order of `compareTickets`; `first` goes before all turns.
 */
function lineUp(standing: readonly Standing[], shares: Shares, first: Ticket | undefined): Blocked[] {
  const lengths = new Map<string, { of: number; placed: number }>()
  /** By scope and namespace. */
  const lines = new Map<string, Map<string, (Standing & { waiters: Waiters })[]>>()
  const blocked: Blocked[] = []
  const place = ({ ticket, obstacle }: Standing): void => {
    const length = lengths.get(obstacle.scope.id) ?? { of: 1, placed: 0 }
    length.placed += 1
    blocked.push({ ticket, obstacle, place: length.placed, of: length.of, row: undefined })
  }
  for (const { ticket, obstacle } of standing) {
    const { namespace } = ticket
    const { scope } = obstacle
    getOrMake(lengths, scope.id, () => ({ of: 0, placed: 0 })).of += 1
    if (first === ticket) continue
    const line = getOrMake(
      getOrMake(lines, scope.id, () => new Map()),
      namespace,
      () => [],
    )
    const waiters = line[0]?.waiters ?? {
      share: shares.shareOf(namespace, scope),
      part: shares.partOf(namespace, scope),
    }
    line.push({ ticket, obstacle, waiters })
  }
  const ofFirst = first && standing.find(({ ticket }) => ticket === first)
  if (ofFirst) place(ofFirst)
  const allLines = [...lines.values()].flatMap(inScope => [...inScope.values()])
  takeTurns(allLines, {
    shareOf: ({ waiters }) => waiters.share,
    compare: (a, b) => compareAge(a.ticket, b.ticket),
    visit: ({ ticket, obstacle, waiters }) => {
      waiters.share += ticket.slots * waiters.part
      place({ ticket, obstacle })
      return false
    },
  })
  return blocked
}
