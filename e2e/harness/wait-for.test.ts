import { expect, test } from 'vitest'
import { pauseMs, waitFor } from './wait-for.ts'

const none = { ms: 0, why: 'a test' }

test('returns what the probe found, an empty list too', async () => {
  expect(await waitFor('a list', () => [], none)).toEqual([])
})

test('asks again after false, undefined and a fault', async () => {
  const answers = [() => false as const, () => undefined, () => Promise.reject(new Error('not yet')), () => 'there']
  const limit = { ms: 60_000, why: 'a test' }
  expect(await waitFor('it', () => answers.shift()?.(), limit)).toBe('there')
})

test('says what it waited for, why so long and what went wrong last', async () => {
  const waiting = waitFor('the herd', () => Promise.reject(new Error('no such pod')), none)
  await expect(waiting).rejects.toThrow(/in vain for: the herd \(a test\); last fault: no such pod/)
})

test('a slow probe is asked less often, but once a second in between', () => {
  expect(pauseMs(0)).toBe(250)
  expect(pauseMs(100)).toBe(250)
  expect(pauseMs(300)).toBe(600)
  expect(pauseMs(3_000)).toBe(1_000)
})
