/** An error with a stable `code`: log field, metric label and what tests look at. */
export abstract class CodedError extends Error {
  abstract readonly code: string
}

/** How much of a value a sentence shows. */
const SHOWN_LENGTH = 100

/** A text for a sentence: its beginning and an ellipsis where it is longer than `length` characters. */
export function cut(text: string, length = SHOWN_LENGTH): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}

/** How many names a sentence lists. */
const SHOWN_NAMES = 10

/** Names for a sentence: the first ten, each cut, and how many more there are. */
export function cutNames(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_NAMES).map(name => cut(name))
  return names.length <= SHOWN_NAMES ? shown.join(', ') : `${shown.join(', ')} and ${names.length - SHOWN_NAMES} more`
}

/**
 * Bad input: says which field, which value and what would be right. Field and value are cut; `remedy` is the caller's
 * to bound.
 */
export class InvalidValueError extends CodedError {
  readonly code = 'INVALID_VALUE'
  readonly field: string
  readonly value: string
  constructor(field: string, value: string, remedy: string) {
    super(`${cut(field)}: ${JSON.stringify(cut(value))} ${remedy}`)
    this.field = field
    this.value = cut(value)
  }
}

/** The message of anything thrown, for a log line or an Event. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
