import { CodedError } from '../../core/errors.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'

/** Ends the program with its message, one sentence for people, and an exit code. */
export class Failure extends CodedError {
  readonly code = 'PLUGIN_FAILURE'
  readonly exitCode: ExitCode
  constructor(message: string, exitCode: ExitCode, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** What was given cannot be used. */
export const unusable = (message: string): Failure => new Failure(message, EXIT.usage)

/** The cluster, or startgate in it, cannot be asked. */
export const unavailable = (message: string, cause?: unknown): Failure =>
  new Failure(message, EXIT.unavailable, cause === undefined ? {} : { cause })
