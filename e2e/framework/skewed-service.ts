import { onTestFinished } from 'vitest'
import { system } from './certificates.ts'
import { limits } from './limits.ts'
import type { Session } from './session.ts'

const SKEW_MS = 3_600_000
const DEPLOYMENT = 'deployment/startgate-lease-service'

/** Sets a replica's clock an hour ahead or back, by its pod's name, so that replicas may differ by two. Runs in the replica, before the program. */
const SHIFT = `
import { hostname } from 'node:os'
const now = Date.now
const skewMs = hostname().charCodeAt(hostname().length - 1) % 2 ? ${SKEW_MS} : -${SKEW_MS}
Date.now = () => now() + skewMs`

/**
 * Until the test ends the replicas of the lease service have a clock that is an hour off to that of the API server. Not the container's
 * clock, which is its node's and so this machine's: all that the program asks for the time is Date.now. Throws when the replicas do not
 * show it in their logs.
 */
export async function skewLeaseServices(session: Session): Promise<void> {
  onTestFinished(() => setOptions(session, 'NODE_OPTIONS-'), limits.rollout.ms)
  await setOptions(session, `NODE_OPTIONS=--import=data:text/javascript,${encodeURIComponent(SHIFT)}`)
  const logs = await system(session, ['logs', '-l', 'app.kubernetes.io/component=lease-service', '--tail=1'])
  for (const line of logs.trim().split('\n')) {
    const { time } = JSON.parse(line) as { time: string }
    const offMs = Math.abs(Date.parse(time) - Date.now())
    if (offMs < SKEW_MS / 2) throw new Error(`a replica's clock is not off: it logged at ${time}`)
  }
}

async function setOptions(session: Session, setting: string): Promise<void> {
  await system(session, ['set', 'env', DEPLOYMENT, setting])
  await system(session, ['rollout', 'status', DEPLOYMENT, `--timeout=${limits.rollout.ms / 1_000}s`])
}
