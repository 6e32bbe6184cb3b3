import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startLoop } from './loop.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A check that ends when told to. */
function heldCheck() {
  const state = { runs: 0, now: 0, most: 0, release: () => {} }
  const check = async () => {
    state.runs++
    state.most = Math.max(state.most, ++state.now)
    await new Promise<void>(resolve => {
      state.release = resolve
    })
    state.now--
  }
  return { state, check }
}

test('checks at once, and again each time the delay has passed since the last', async () => {
  let runs = 0
  const loop = startLoop(
    async () => {
      runs++
    },
    () => (runs < 2 ? 1_000 : 10_000),
  )
  expect(runs).toBe(1)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(runs).toBe(2)
  await vi.advanceTimersByTimeAsync(9_999)
  expect(runs).toBe(2)
  await vi.advanceTimersByTimeAsync(1)
  expect(runs).toBe(3)
  loop.stop()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(runs).toBe(3)
})

test('pokes during a check make one more, after it', async () => {
  const { state, check } = heldCheck()
  const loop = startLoop(check, () => 10_000)
  const pokes = [loop.poke(), loop.poke(), loop.poke()]
  expect(state.runs).toBe(1)
  state.release()
  await vi.advanceTimersByTimeAsync(0)
  expect(state.runs).toBe(2)
  state.release()
  await Promise.all(pokes)
  expect(state).toMatchObject({ runs: 2, most: 1 })
  loop.stop()
})

test('a poke starts the delay anew, so that checks never pile up', async () => {
  let runs = 0
  const loop = startLoop(
    async () => {
      runs++
    },
    () => 10_000,
  )
  await vi.advanceTimersByTimeAsync(9_000)
  await loop.poke()
  await vi.advanceTimersByTimeAsync(9_999)
  expect(runs).toBe(2)
  loop.stop()
})
