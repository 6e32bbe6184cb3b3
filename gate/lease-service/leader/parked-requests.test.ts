import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemTimers } from '../../../core/timers.ts'
import { PARKED_MS, ParkedRequests } from './parked-requests.ts'

test('a herd that is parked goes on in the order in which it came, a part of it in each turn of the event loop', async () => {
  let isSettled = false
  const parked = new ParkedRequests(() => isSettled, {
    clock: { monotonicMs: () => 0, wallMs: () => 0 },
    timers: systemTimers,
  })
  const went: number[] = []
  const herd = Array.from({ length: 500 }, (_, i) => parked.untilSettled().then(() => went.push(i)))
  isSettled = true
  parked.look()
  await Promise.resolve()
  expect(went).toHaveLength(200)
  await nextTurn()
  expect(went).toHaveLength(400)
  await Promise.all(herd)
  expect(went).toEqual(Array.from({ length: 500 }, (_, i) => i))
})

test('nobody is parked for ever, and one who need not wait goes on at once', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let isSettled = true
  const parked = new ParkedRequests(() => isSettled, {
    clock: { monotonicMs: () => Date.now(), wallMs: () => Date.now() },
    timers: systemTimers,
  })
  await parked.untilSettled()
  isSettled = false
  const late = parked.untilSettled()
  const went = vi.fn()
  void late.then(went)
  await vi.advanceTimersByTimeAsync(PARKED_MS - 1_000)
  expect(went).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1_200)
  expect(went).toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})
