/** What a verb writes to and reads from; tests pass their own. */
export interface Io {
  out(text: string): void
  err(text: string): void
  /** All of standard input, at most `mostBytes`; throws when there is more. */
  readStdin(mostBytes: number): Promise<Buffer>
  /** Whether `out` goes to a terminal. */
  isTerminal: boolean
  /** Columns of the terminal; undefined where there is none. */
  columns: number | undefined
  env: Readonly<Record<string, string | undefined>>
  /** Ms since the epoch. */
  nowMs(): number
}
