import { changedLines, countLine, type Header, type Row, renderTable, rowState, seconds } from './table.ts'

/** Where the demo shows itself: a table redrawn in place on a terminal, plain lines elsewhere. */
export class Screen {
  readonly #out: NodeJS.WriteStream
  #drawn = 0
  #states = new Map<string, string>()

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out
  }

  /** A line that stays. */
  say(line: string): void {
    this.#drawn = 0
    this.#out.write(`${line}\n`)
  }

  /** Begins a table, or, where there is no terminal, names the lines that follow. */
  begin(title: string, about: string): void {
    this.say(this.#out.isTTY ? '' : `\n${title}\n${about}`)
    this.#states = new Map()
  }

  show(header: Header, rows: Row[]): void {
    if (this.#out.isTTY)
      this.#redraw(renderTable(header, rows, { width: this.#out.columns, color: this.#out.hasColors() }))
    else for (const line of changedLines(this.#states, rows, header.elapsedMs)) this.#out.write(`${line}\n`)
    this.#states = new Map(rows.map(row => [row.pod, rowState(row)]))
  }

  /** Ends a table. */
  end(header: Header, rows: Row[]): void {
    this.show(header, rows)
    if (!this.#out.isTTY) this.say(`${seconds(header.elapsedMs).padStart(8)}  ${countLine(header, rows)}`)
  }

  #redraw(lines: string[]): void {
    // A table higher than the screen cannot be redrawn in place: its end is what matters.
    const visible = lines.slice(-Math.max(1, this.#out.rows - 1))
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : ''
    this.#out.write(`${up}${visible.map(line => `${line}\u001b[K\n`).join('')}\u001b[J`)
    this.#drawn = visible.length
  }
}
