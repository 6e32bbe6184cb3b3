import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { drain } from './drain.ts'

const log = pino({ level: 'silent' })

/** A replica whose every step ends when the test says so. */
function replica() {
  const begun: string[] = []
  const pending = new Map<string, () => void>()
  const step = (name: string) => async (): Promise<void> => {
    begun.push(name)
    await new Promise<void>(resolve => pending.set(name, resolve))
  }
  const end = async (name: string): Promise<void> => {
    pending.get(name)?.()
    await setImmediate()
  }
  const drained = drain({ close: step('close') } as unknown as Parameters<typeof drain>[0], {
    resign: step('resign'),
    flushEvents: step('flush'),
    lameDuckMs: 7_000,
    sleep: ms => step(`sleep ${ms}`)(),
    log,
  })
  return { begun, end, drained }
}

test('a replica hands over before its lame duck begins, and stops answering after it', async () => {
  const { begun, end, drained } = replica()
  expect(begun).toEqual(['resign'])
  await end('resign')
  expect(begun).toEqual(['resign', 'sleep 7000'])
  await end('sleep 7000')
  expect(begun).toEqual(['resign', 'sleep 7000', 'close', 'flush', 'sleep 2000'])
  await end('close')
  await end('flush')
  await drained
})

test('an answer that does not end does not keep the process', async () => {
  const { end, drained } = replica()
  await end('resign')
  await end('sleep 7000')
  await end('sleep 2000')
  await drained
})
