import { expect, test } from 'vitest'
import type { WaitCause, Waiting } from '../model/grant.ts'
import { queueLengths } from './queue-length.ts'

const row = (key: string, namespace: string, cause: WaitCause): Waiting => ({
  key,
  resource: 'start',
  namespace,
  cause,
  place: 1,
  of: 1,
  reason: 'words',
})

test('who waits is counted by namespace and cause, with the longest wait of each', () => {
  const waiting = [
    row('a', 'shop', 'full'),
    row('b', 'shop', 'full'),
    row('c', 'shop', 'frozen'),
    row('d', 'bank', 'full'),
  ]
  const asked = new Map([
    ['a', 1_000],
    ['b', 4_000],
    ['c', 9_000],
  ])
  expect(queueLengths(waiting, key => asked.get(key), 10_000)).toEqual([
    { resource: 'start', namespace: 'shop', cause: 'full', gates: 2, longestMs: 9_000 },
    { resource: 'start', namespace: 'shop', cause: 'frozen', gates: 1, longestMs: 1_000 },
    { resource: 'start', namespace: 'bank', cause: 'full', gates: 1, longestMs: 0 },
  ])
})
