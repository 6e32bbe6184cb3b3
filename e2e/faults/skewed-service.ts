import { onTestFinished } from 'vitest'
import { changeLeaseService, system } from '../harness/certificates.ts'
import type { Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

const SKEW_MS = 3_600_000
const SET_ENV = ['set', 'env']

/**
 * Sets a replica's clock an hour ahead or back, by its pod's name, so that replicas may differ by two. Runs in the
 * replica, before the program.
 */
const SHIFT = `
import { hostname } from 'node:os'
const now = Date.now
const skewMs = hostname().charCodeAt(hostname().length - 1) % 2 ? ${SKEW_MS} : -${SKEW_MS}
Date.now = () => now() + skewMs`

/**
 * Until the test ends the replicas of the lease service have a clock that is an hour off to that of the API server. Not
 * the container's clock, which is its node's and so this machine's: all that the program asks for the time is Date.now.
 */
export async function skewLeaseServices(session: Session): Promise<void> {
  onTestFinished(() => changeLeaseService(session, SET_ENV, 'NODE_OPTIONS-'), limits.rollout.ms)
  const skewed = `NODE_OPTIONS=--import=data:text/javascript,${encodeURIComponent(SHIFT)}`
  await changeLeaseService(session, SET_ENV, skewed)
  await waitFor('the replicas log with a clock that is off', () => areSkewed(session), limits.rollout)
}

/** False too while a replica from before has not gone. */
async function areSkewed(session: Session): Promise<boolean> {
  const logs = await system(session, ['logs', '-l', 'app.kubernetes.io/component=lease-service', '--tail=1'])
  const times = logs
    .trim()
    .split('\n')
    .map(line => Date.parse((JSON.parse(line) as { time: string }).time))
  return times.every(time => Math.abs(time - Date.now()) > SKEW_MS / 2)
}
