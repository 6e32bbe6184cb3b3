import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { fairCalls } from './fair-calls.ts'

/** Calls that run until the test ends them; `begun` lists them in the order they began. */
function made(running: number, waiting: number) {
  const call = fairCalls({ running, waiting })
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const refused: string[] = []
  const ask = (caller: string, id: string) =>
    void call(caller, async () => {
      begun.push(id)
      await new Promise<void>(resolve => ends.set(id, resolve))
    }).catch(error => refused.push(`${id} ${error.code}`))
  const end = async (id: string) => {
    ends.get(id)?.()
    await setImmediate()
  }
  return { ask, end, begun, refused }
}

test('a caller with fewer running goes first, however many another has waiting; equals take turns', async () => {
  const { ask, end, begun } = made(2, 100)
  for (let i = 0; i < 5; i++) ask('stranger', `s${i}`)
  ask('gate', 'g0')
  ask('other', 'o0')
  await setImmediate()
  expect(begun).toEqual(['s0', 's1'])
  await end('s0')
  expect(begun.at(-1)).toBe('g0')
  await end('s1')
  await end('g0')
  await end('s2')
  expect(begun).toEqual(['s0', 's1', 'g0', 's2', 'o0', 's3'])
})

test('where too many wait, the caller with the most loses its newest, else the new call is refused', async () => {
  const { ask, end, begun, refused } = made(1, 3)
  for (let i = 0; i < 5; i++) ask('stranger', `s${i}`)
  await setImmediate()
  expect(refused).toEqual(['s4 TOO_MANY_CALLS'])
  ask('gate', 'g0')
  await setImmediate()
  expect(refused).toEqual(['s4 TOO_MANY_CALLS', 's3 TOO_MANY_CALLS'])
  for (const id of ['s0', 's1', 'g0', 's2']) await end(id)
  expect(begun).toEqual(['s0', 's1', 'g0', 's2'])
})

test('a call that fails frees its place, and its caller hears of it', async () => {
  const call = fairCalls({ running: 1, waiting: 1 })
  await expect(
    call('gate', async () => {
      throw new Error('no answer')
    }),
  ).rejects.toThrow('no answer')
  expect(await call('gate', async () => 'good')).toBe('good')
})
