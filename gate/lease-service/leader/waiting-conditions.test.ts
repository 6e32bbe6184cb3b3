import { expect, test } from 'vitest'
import type { Pod } from '../../../core/pod.ts'
import { WAITING_CONDITION } from '../pods/waiting-condition.ts'
import type { WriteCondition } from '../report/waiting-conditions.ts'
import { madePod, madeReadyPod } from '../testing/made-pods.ts'
import { madeService, quiet } from '../testing/made-service.ts'

/** A service whose timers the test runs, and what it writes into pods' statuses. */
async function led(pods: Pod[]) {
  const every: (() => void)[] = []
  const written: string[] = []
  const writeWaiting: WriteCondition = async ({ metadata }, { status, reason, message }) => {
    written.push(`${metadata.name} ${status} ${reason}: ${message}`)
    return undefined
  }
  const timers = {
    after: (ms: number, act: () => void) => {
      const timer = setTimeout(act, Math.min(ms, 1))
      return () => clearTimeout(timer)
    },
    every: (_: number, act: () => void) => {
      every.push(act)
      return () => undefined
    },
    soon: (act: () => void) => void setImmediate(act),
  }
  const made = madeService(pods, { maxStarting: 1 }, { timers, writeWaiting })
  await made.service.startLeading(1)
  const passes = async (ms: number) => {
    made.world.nowMs += ms
    for (const act of every) act()
    await quiet()
    for (const act of every) act()
    await quiet()
  }
  return { ...made, passes, written }
}

test('a pod that waits gets the condition after ten seconds, and loses it at its grant', async () => {
  const { service, ask, passes, written } = await led([madePod('a'), madePod('b')])
  await ask('a')
  await ask('b')
  await quiet()
  await passes(9_000)
  expect(written).toEqual([])
  await passes(2_000)
  expect(written).toEqual(['b True Full: place 1 of 1: start: node worker-1 has 1 of 1 slots in use; next in line'])
  service.podChanged(madeReadyPod('a'))
  await quiet()
  await expect
    .poll(
      async () => {
        await passes(1_000)
        return written.at(-1)
      },
      { timeout: 20_000 },
    )
    .toBe('b False NotWaiting: no gate of this pod waits')
  await passes(60_000)
  expect(written).toHaveLength(2)
})

test('a new leader takes it off a pod whose gate ended while nobody led', async () => {
  const ended = { name: 'startgate-start', ready: true, restartCount: 0, state: { terminated: { exitCode: 0 } } }
  const conditions = [{ type: WAITING_CONDITION, status: 'True' }]
  const { passes, written } = await led([madePod('a', { conditions, initContainerStatuses: [ended] })])
  await passes(1_000)
  expect(written).toEqual(['a False NotWaiting: no gate of this pod waits'])
})
