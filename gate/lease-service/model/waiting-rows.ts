import type { Ticket, Waiting } from './grant.ts'

interface InLine {
  ticket: Pick<Ticket, 'key'>
}

/**
 * What one step says of all who wait. A row is made only when it is asked for: those who wait are many, steps are many
 * too, and not each is told to all.
 */
export class WaitingRows {
  readonly #inLine: readonly InLine[]
  readonly #others: readonly Waiting[]
  readonly #rowAt: (i: number) => Waiting
  #all: readonly Waiting[] | undefined

  /** `rowAt` makes the row of the i-th of those in line; `others` wait for something else than a slot. */
  constructor(inLine: readonly InLine[] = [], others: readonly Waiting[] = [], rowAt: (i: number) => Waiting = noRow) {
    this.#inLine = inLine
    this.#others = others
    this.#rowAt = rowAt
  }

  get size(): number {
    return this.#inLine.length + this.#others.length
  }

  /** First of those in line, in their order, then of the others. */
  all(): readonly Waiting[] {
    this.#all ??= [...this.#inLine.map((_, i) => this.#rowAt(i)), ...this.#others]
    return this.#all
  }

  /** Of all, in the order of `all`. */
  keys(): string[] {
    return [...this.#inLine.map(({ ticket }) => ticket.key), ...this.#others.map(({ key }) => key)]
  }

  /** Of tickets with these keys. */
  of(keys: ReadonlySet<string>): Waiting[] {
    if (keys.size === 0) return []
    const inLine: Waiting[] = []
    for (const [i, { ticket }] of this.#inLine.entries()) if (keys.has(ticket.key)) inLine.push(this.#rowAt(i))
    return [...inLine, ...this.#others.filter(({ key }) => keys.has(key))]
  }
}

function noRow(): never {
  throw new Error('there is nobody in line')
}
