import { expect, test } from 'vitest'
import type { Ticket } from '../model/grant.ts'
import { Asking } from './waiting-tickets.ts'

const ticket = (podUid: string, createdAtMs: number): Ticket => ({
  key: `start.${podUid}.1`,
  resource: 'start',
  gate: 'startgate-start',
  attempt: 1,
  podUid,
  podName: podUid,
  namespace: 'shop',
  nodeName: 'node',
  containers: ['app'],
  slots: 1,
  images: [],
  priority: 0,
  createdAtMs,
})

test('a later run of a pod takes the place of an earlier one, and of nobody else', () => {
  const asking = new Asking()
  const [a, b] = [ticket('a', 1), ticket('b', 2)]
  const again = { ...a, key: 'start.a.2', attempt: 2 }
  const other = { ...again, key: 'start.a.2.startgate-start-web' }
  for (const one of [a, b, again, other]) asking.add(one, 0)
  expect(asking.tickets()).toEqual([again, other, b])
  expect(asking.otherRuns(a)).toEqual([again.key, other.key])
  asking.add(a, 1)
  expect(asking.tickets()).toEqual([a, b])
})

test('whoever comes, goes and comes back is there once, in the order of the queue', () => {
  const asking = new Asking()
  const [a, b, c] = [ticket('a', 3), ticket('b', 2), ticket('c', 1)]
  asking.add(a, 0)
  asking.add(b, 0)
  expect(asking.tickets()).toEqual([b, a])
  asking.remove(a.key)
  asking.add(a, 1)
  asking.add({ ...b, createdAtMs: 4 }, 1)
  asking.add(c, 1)
  expect(asking.tickets().map(({ podUid }) => podUid)).toEqual(['c', 'a', 'b'])
  asking.remove(c.key)
  expect(asking.tickets().map(({ podUid }) => podUid)).toEqual(['a', 'b'])
})
