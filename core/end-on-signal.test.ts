import { EventEmitter } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { endOnSignal } from './end-on-signal.ts'

function madeProcess() {
  const log: string[] = []
  const source = Object.assign(new EventEmitter(), { exit: (code: number) => void log.push(`exit ${code}`) })
  return { log, source }
}

test('a signal that comes before anything is served ends the process at once', async () => {
  const { log, source } = madeProcess()
  const ending = endOnSignal(async () => void log.push('drained'), source)
  source.emit('SIGINT')
  await setImmediate()
  expect([log, ending.isDraining()]).toEqual([['exit 0'], true])
})

test('the first signal drains what is served before the process ends, and the second does nothing', async () => {
  const { log, source } = madeProcess()
  const drained = Promise.withResolvers<void>()
  const ending = endOnSignal(async (server: string) => {
    log.push(`drains ${server}`)
    await drained.promise
  }, source)
  ending.serving('reviews')
  expect(ending.isDraining()).toBe(false)
  source.emit('SIGTERM')
  source.emit('SIGTERM')
  source.emit('SIGINT')
  await setImmediate()
  expect([log, ending.isDraining()]).toEqual([['drains reviews'], true])
  drained.resolve()
  await setImmediate()
  expect(log).toEqual(['drains reviews', 'exit 0'])
})
