import { InvalidValueError, instead } from '../errors.ts'

export interface ElectionTimes {
  /** How long the others wait, without seeing the Lease change, before one takes over. Whole seconds. */
  leaseDurationMs: number
  /** How long after its last renewal a leader still takes itself for one. */
  renewDeadlineMs: number
  /** Between two renewals, or two looks at the Lease. */
  retryPeriodMs: number
}

/**
 * The next grant after a kill is to come within 10 s, and an API server that takes almost 3 s a call must cost no
 * leadership.
 */
export const ELECTION_TIMES: ElectionTimes = { leaseDurationMs: 7_000, renewDeadlineMs: 6_000, retryPeriodMs: 1_000 }

/** Throws InvalidValueError for times under which two could lead, or a leader could not retry a renewal. */
export function checkElectionTimes(times: ElectionTimes): void {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = times
  const fault = (field: keyof ElectionTimes, remedy: [string, string]) =>
    new InvalidValueError(field, `${times[field]}`, instead(...remedy))
  if (!(retryPeriodMs > 0)) throw fault('retryPeriodMs', ['is too short', 'more than 0'])
  if (!(renewDeadlineMs >= 2 * retryPeriodMs))
    throw fault('renewDeadlineMs', ['is too short', 'twice retryPeriodMs or more'])
  if (!(leaseDurationMs > renewDeadlineMs))
    throw fault('leaseDurationMs', ['is too short', 'more than renewDeadlineMs'])
  if (leaseDurationMs % 1000 !== 0)
    throw fault('leaseDurationMs', [
      'is not a number of whole seconds, which is what a Lease holds',
      'a multiple of 1000',
    ])
}
