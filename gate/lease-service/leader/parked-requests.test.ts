import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemTimers } from '../../../core/timers.ts'
import { HELD_MS, HeldRequests } from './parked-requests.ts'

test('a herd that is held goes on in the order in which it came, a part of it in each turn of the event loop', async () => {
  let isOver = false
  const held = new HeldRequests(() => isOver, {
    clock: { monotonicMs: () => 0, wallMs: () => 0 },
    timers: systemTimers,
  })
  const went: number[] = []
  const herd = Array.from({ length: 500 }, (_, i) => held.untilOver().then(() => went.push(i)))
  isOver = true
  held.look()
  await Promise.resolve()
  expect(went).toHaveLength(200)
  await nextTurn()
  expect(went).toHaveLength(400)
  await Promise.all(herd)
  expect(went).toEqual(Array.from({ length: 500 }, (_, i) => i))
})

test('nobody is held for ever, and one who need not wait goes on at once', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let isOver = true
  const held = new HeldRequests(() => isOver, {
    clock: { monotonicMs: () => Date.now(), wallMs: () => Date.now() },
    timers: systemTimers,
  })
  await held.untilOver()
  isOver = false
  const late = held.untilOver()
  const went = vi.fn()
  void late.then(went)
  await vi.advanceTimersByTimeAsync(HELD_MS - 1_000)
  expect(went).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1_200)
  expect(went).toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})
