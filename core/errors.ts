/** An error with a stable `code`: log field, metric label and what tests look at. */
export abstract class CodedError extends Error {
  abstract readonly code: string
}

/** Bad input: says which field, which value and what would be right. */
export class InvalidValueError extends CodedError {
  readonly code = 'INVALID_VALUE'
  readonly field: string
  readonly value: string
  constructor(field: string, value: string, remedy: string) {
    super(`${field}: ${JSON.stringify(value)} ${remedy}`)
    this.field = field
    this.value = value
  }
}

/** The message of anything thrown, for a log line or an Event. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
