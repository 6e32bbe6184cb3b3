import { expect, test } from 'vitest'
import type { Ticket } from '../model/grant.ts'
import { WaitingTickets } from './waiting-tickets.ts'

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
  const waiting = new WaitingTickets()
  const [a, b] = [ticket('a', 1), ticket('b', 2)]
  const again = { ...a, key: 'start.a.2', attempt: 2 }
  const other = { ...again, key: 'start.a.2.startgate-start-web' }
  for (const one of [a, b, again, other]) waiting.add(one, 0)
  expect(waiting.tickets()).toEqual([again, other, b])
  expect(waiting.otherRuns(a)).toEqual([again.key, other.key])
  waiting.add(a, 1)
  expect(waiting.tickets()).toEqual([a, b])
})

test('whoever comes, goes and comes back is there once, in the order of the queue', () => {
  const waiting = new WaitingTickets()
  const [a, b, c] = [ticket('a', 3), ticket('b', 2), ticket('c', 1)]
  waiting.add(a, 0)
  waiting.add(b, 0)
  expect(waiting.tickets()).toEqual([b, a])
  waiting.remove(a.key)
  waiting.add(a, 1)
  waiting.add({ ...b, createdAtMs: 4 }, 1)
  waiting.add(c, 1)
  expect(waiting.tickets().map(({ podUid }) => podUid)).toEqual(['c', 'a', 'b'])
  waiting.remove(c.key)
  expect(waiting.tickets().map(({ podUid }) => podUid)).toEqual(['a', 'b'])
})
