/** Least that an answer is charged, so that their number is bounded, whatever the clock says. */
const LEAST_MS = 1

/**
 * Time for answers that differ, shared by those who ask: each is given one as long as no less is left for all than this
 * reader has had. So whoever takes all it can leaves half of it to the next one, who leaves half of that.
 */
export class AnswerBudget {
  #leftMs: number
  readonly #hadMs = new Map<string, number>()

  /** `mostMs`: for all readers together; the last answer may take more. */
  constructor(mostMs: number) {
    this.#leftMs = mostMs
  }

  isLeftFor(reader: string): boolean {
    return (this.#hadMs.get(reader) ?? 0) <= this.#leftMs
  }

  /** An answer was made that took so long. */
  spend(reader: string, tookMs: number): void {
    const ms = Math.max(LEAST_MS, tookMs)
    this.#leftMs -= ms
    this.#hadMs.set(reader, (this.#hadMs.get(reader) ?? 0) + ms)
  }
}
