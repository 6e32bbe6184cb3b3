import type { Ticket, Waiting } from './grant.ts'

interface InLine {
  ticket: Pick<Ticket, 'key'>
}

/** Those who wait for a slot and were decided on together. To ask for their order costs more than who they are. */
interface Line {
  readonly standing: readonly InLine[]
  /** The same, in the order in which they would be taken. */
  readonly blocked: readonly InLine[]
}

/**
 * What one step says of all who wait. A row is made only when it is asked for: those who wait are many, steps are many
 * too, and not each is told to all.
 */
export class WaitingRows {
  readonly size: number
  readonly #lines: readonly Line[]
  readonly #others: readonly Waiting[]
  readonly #rowAt: (line: number, i: number) => Waiting
  #all: readonly Waiting[] | undefined

  /** `rowAt` makes the row of the i-th of a line; `others` wait for something else than a slot. */
  constructor(lines: readonly Line[] = [], others: readonly Waiting[] = [], rowAt: typeof noRow = noRow) {
    this.#lines = lines
    this.#others = others
    this.#rowAt = rowAt
    this.size = lines.reduce((sum, { standing }) => sum + standing.length, others.length)
  }

  /** First of those in line, in their order, then of the others. */
  all(): readonly Waiting[] {
    this.#all ??= [
      ...this.#lines.flatMap(({ blocked }, line) => blocked.map((_, i) => this.#rowAt(line, i))),
      ...this.#others,
    ]
    return this.#all
  }

  /** Of all, line by line. */
  keys(): string[] {
    const inLine = this.#lines.flatMap(({ standing }) => standing.map(({ ticket }) => ticket.key))
    return [...inLine, ...this.#others.map(({ key }) => key)]
  }

  /** Of tickets with these keys. */
  of(keys: ReadonlySet<string>): Waiting[] {
    if (keys.size === 0) return []
    const inLine: Waiting[] = []
    for (const [at, line] of this.#lines.entries()) {
      if (!line.standing.some(({ ticket }) => keys.has(ticket.key))) continue
      for (const [i, { ticket }] of line.blocked.entries()) if (keys.has(ticket.key)) inLine.push(this.#rowAt(at, i))
    }
    return [...inLine, ...this.#others.filter(({ key }) => keys.has(key))]
  }
}

function noRow(_line: number, _i: number): Waiting {
  throw new Error('there is nobody in line')
}
