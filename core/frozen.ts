import { cut, InvalidValueError, instead } from './errors.ts'

/** Of an annotation that freezes, as Events and gates quote it. */
const MOST_TEXT = 200

/** Who froze a namespace or the cluster, when (ms since the epoch) and why. */
export interface Freeze {
  who: string
  atMs: number
  reason: string
}

/** As the annotation startgate.dev/frozen has it: `alice 2026-06-01T12:00:00Z: the registry is down`. */
export function formatFreeze({ who, atMs, reason }: Freeze): string {
  const when = new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z')
  return oneLine(`${who} ${when}${reason === '' ? '' : `: ${reason}`}`)
}

/**
 * Reads the annotation: any text freezes, and is quoted as it is, on one line and cut. Throws InvalidValueError for
 * what was meant as its contrary.
 */
export function parseFrozen(field: string, text: string): string {
  if (/^\s*(false|no|off|0)\s*$/i.test(text))
    throw new InvalidValueError(
      field,
      text,
      `${instead('does not lift a freeze', 'no such annotation')} (it is removed to resume)`,
    )
  return oneLine(text) || 'no reason given'
}

function oneLine(text: string): string {
  // Control characters of a text that is shown to others.
  return cut(text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim(), MOST_TEXT)
}
