import { setTimeout as sleep } from 'node:timers/promises'
import type { Limit } from './time-limits.ts'

/** What was waited for did not come about. */
class WaitTimeoutError extends Error {
  readonly code = 'WAIT_TIMEOUT'
}

const POLL_MS = 250
const MAX_POLL_MS = 1_000

/**
 * How long to wait until a probe that took so long is asked again. One that runs kubectl takes a tenth of a second of a
 * core, and more on a busy machine: it must not be what keeps the machine busy when several suites wait.
 */
export const pauseMs = (tookMs: number): number => Math.min(Math.max(POLL_MS, 2 * tookMs), MAX_POLL_MS)

/**
 * Polls until the probe returns something other than undefined or false, and returns it. A probe that throws is asked
 * again; its last fault becomes the cause. Throws WaitTimeoutError after the limit.
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  limit: Limit,
): Promise<T> {
  const untilMs = performance.now() + limit.ms
  let cause: unknown
  for (;;) {
    const askedMs = performance.now()
    try {
      const value = await probe()
      cause = undefined
      if (value !== undefined && value !== false) return value
    } catch (error) {
      cause = error
    }
    if (performance.now() >= untilMs) {
      const said = cause === undefined ? '' : `; last fault: ${cause instanceof Error ? cause.message : String(cause)}`
      throw new WaitTimeoutError(`waited ${limit.ms / 1000} s in vain for: ${what} (${limit.why})${said}`, { cause })
    }
    await sleep(pauseMs(performance.now() - askedMs))
  }
}
