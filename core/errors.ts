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
 * What is wrong with a value and what to write instead: `names db twice; use it once`. Several choices are joined by
 * "or". All messages about bad input end like this.
 */
export function instead(problem: string, ...choices: string[]): string {
  const others = choices.slice(0, -1).join(', ')
  return `${problem}; use ${others && `${others} or `}${choices.at(-1)}`
}

/** The same for a value that cannot be read as what it should be: `is not a valid duration; use 90s or 2m`. */
export function notValid(thing: string, ...choices: string[]): string {
  return instead(`is not a valid ${thing}`, ...choices)
}

/** A value of any JSON type for a message, in constant time; undefined when it is absent. */
export function shownValue(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '[…]' : '{…}'
  return String(value)
}

/**
 * Bad input: names the field, quotes the value and says what to write instead. `remedy` goes on from the value, as
 * `notValid` and `instead` write it, and the caller bounds its length; field and value are cut here. An undefined
 * value is not quoted.
 */
export class InvalidValueError extends CodedError {
  readonly code = 'INVALID_VALUE'
  readonly field: string
  readonly value: string
  constructor(field: string, value: string | undefined, remedy: string) {
    super(value === undefined ? `${cut(field)} ${remedy}` : `${cut(field)}: ${JSON.stringify(cut(value))} ${remedy}`)
    this.field = field
    this.value = cut(value ?? '')
  }
}

/** The message of anything thrown, for a log line or an Event. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
