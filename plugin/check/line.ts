import type { Fact } from '../cluster/facts.ts'

/** One line of a check. `id` is for scripts and tests. */
export interface Line {
  id: string
  /** `unknown`: it could not be asked. `warning`: it works, and may not be what is meant. */
  verdict: 'ok' | 'bad' | 'warning' | 'unknown'
  sentence: string
  /** What to do. Always with `bad`. */
  remedy?: string
}

export const ok = (id: string, sentence: string): Line => ({ id, verdict: 'ok', sentence })
export const bad = (id: string, sentence: string, remedy: string): Line => ({ id, verdict: 'bad', sentence, remedy })
export const warning = (id: string, sentence: string, remedy: string): Line => ({
  id,
  verdict: 'warning',
  sentence,
  remedy,
})

/** For what could not be read: says why, and what is missing for it. */
export function unknown(
  id: string,
  what: string,
  { problem, forbidden }: Extract<Fact<never>, { kind: 'unknown' }>,
): Line {
  const remedy = forbidden ? 'ask for the right, or have somebody run this check who has it' : 'try again'
  return { id, verdict: 'unknown', sentence: `${what} could not be read: ${problem}`, remedy }
}

/** Judges a fact that is known; the other two kinds are told as they are. */
export function judged<T>(
  fact: Fact<T>,
  { id, what, absent, known }: { id: string; what: string; absent: () => Line[]; known: (value: T) => Line[] },
): Line[] {
  if (fact.kind === 'known') return known(fact.value)
  return fact.kind === 'absent' ? absent() : [unknown(id, what, fact)]
}

/** A time that has passed or is to come, in the largest unit that fits: `3 d`, `5 h`, `12 s`. */
export function shownSpan(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}
