import type { Io } from '../model/io.ts'
import { paintFor, printable } from '../output/paint.ts'

/** Writes warnings to standard error, each once, however often what it is about happens. */
export function warner(io: Io): (sentence: string) => void {
  const told = new Set<string>()
  return sentence => {
    if (told.has(sentence)) return
    told.add(sentence)
    io.err(`${paintFor(io)('yellow', 'warning')}: ${printable(sentence)}\n`)
  }
}
