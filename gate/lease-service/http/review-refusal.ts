import { TooManyCallsError } from '../../../core/fair-calls.ts'
import { RefusedError } from '../model/refusal.ts'

/** For the `catch` of a review that waits in turn: refuses the caller where too many wait, throws any other error. */
export function refuseWhenFull(error: unknown): never {
  if (!(error instanceof TooManyCallsError)) throw error
  throw new RefusedError(503, 'TOO_MANY_REVIEWS', `the API server is asked about many tokens; ${error.message}`)
}
