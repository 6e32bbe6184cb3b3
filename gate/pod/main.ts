import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { GateVerdict } from '../../core/lease-api.ts'
import { createLogger } from '../../core/log.ts'
import { PULL_GATE } from '../../core/names.ts'
import { parseConfig } from './config.ts'
import { directWay } from './direct-way.ts'
import { attemptOf } from './runs.ts'
import { markLost, markRun, placeTrue, readLost, readRuns } from './shared-directory.ts'
import { waitForGrant } from './wait.ts'

const TERMINATION_LOG = '/dev/termination-log'
const log = createLogger('gate')

// Never 0 here: the kubelet would take it for a passed gate and start the app in a pod that is going away.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(143))

/**
 * Tries until it works: without its marker or its `true` the pod could not go on, and a failed gate would cost a Job
 * its backoffLimit.
 */
async function retryForever(what: string, act: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await act()
    } catch (error) {
      log.error({ error: messageOf(error) }, `cannot ${what}; trying again in 1 s`)
      await sleep(1000)
    }
  }
}

async function main(): Promise<void> {
  const { config, faults } = parseConfig(process.env)
  for (const fault of faults) log.error({ gate: config.gate }, fault)
  if (config.gate === PULL_GATE) await retryForever('place the static busybox', placeTrue)
  const attempt = attemptOf(config.gate, await readRuns())
  const where = { gate: config.gate, podUid: config.podUid, attempt }
  const verdict: GateVerdict = await waitForGrant({
    config,
    attempt,
    isLost: await readLost(attempt),
    ...directWay(config),
    clock: systemClock,
    random: Math.random,
    newNonce: randomUUID,
    onReason: (reason, place) => log.info({ ...where, ...place, reason }, 'waiting'),
  })
  log.info(
    { ...where, ...verdict },
    verdict.verdict === 'granted' ? 'granted' : 'failing open: the pod goes on without a slot',
  )
  await writeFile(TERMINATION_LOG, JSON.stringify({ ...verdict, attempt })).catch(() => undefined)
  await markLost(attempt, verdict.verdict === 'failed-open')
  await retryForever('mark this run', () => markRun(config.gate, attempt))
  process.exit(0)
}

await main()
