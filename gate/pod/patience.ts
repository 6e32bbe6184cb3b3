/** The longest that a last known estimate may put off failing open (design: "at most 10 min"). */
export const MAX_ESTIMATE_MS = 600_000

export interface Patience {
  /** Time without contact after which the pod is let go; Infinity: never. */
  failOpenAfterMs: number
  /** A gate that knows no estimate adds a random part of this, so that gates do not break loose together. */
  failOpenJitterMs: number
}

/**
 * When a gate without contact lets its pod go, on the clock of `lastContactMs` (or of the gate's start, when there was
 * no contact yet). `random` is in [0, 1) and must stay the same for one gate, or each try would move the end.
 */
export function failOpenAtMs(
  contact: { lastContactMs: number; estimateMs?: number | undefined; random: number },
  patience: Patience,
): number {
  const spread =
    contact.estimateMs === undefined
      ? contact.random * patience.failOpenJitterMs
      : Math.min(contact.estimateMs, MAX_ESTIMATE_MS)
  return contact.lastContactMs + patience.failOpenAfterMs + Math.round(spread)
}

/**
 * Pause before try number `failures` + 1: doubles from 250 ms to 8 s, half of it random, so that gates do not knock in
 * step.
 */
export function reconnectDelayMs(failures: number, random: number): number {
  const ceiling = Math.min(8_000, 250 * 2 ** Math.min(failures, 10))
  return Math.round(ceiling / 2 + (random * ceiling) / 2)
}
