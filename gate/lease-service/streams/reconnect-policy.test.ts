import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Waiting } from '../model/grant.ts'
import {
  ARRIVING_STREAMS,
  CONNECTED_PLACES,
  connectedPlaces,
  MAX_AGENT_STREAMS,
  MAX_STREAMS,
  MAX_UNQUEUED_STREAMS,
  minReconnectDelayMs,
  reconnectDelays,
} from './reconnect-policy.ts'
import { ReconnectTimes } from './reconnect-times.ts'

test.each([
  ['the next place goes away briefly', { place: CONNECTED_PLACES + 1, estimateMs: 900_000 }, 5_000],
  ['without an estimate only room decides', { place: 9_000 }, 5_000],
  ['half the line in 40 s: back before its turn', { place: 2_000, estimateMs: 40_000 }, 20_000],
  ['an estimate counts for half a minute at most', { place: 10_000, estimateMs: 900_000 }, 30_000],
])('%s', (_, row, want) => {
  expect(minReconnectDelayMs(row, CONNECTED_PLACES)).toBe(want)
})

const row = (key: string, cause: Waiting['cause'], place: number): Waiting => {
  return { key, resource: 'start', namespace: 'shop', cause, place, of: place, reason: '' }
}
const line = (name: string, length: number) =>
  Array.from({ length }, (_, i) => row(`${name}-${i}`, i ? 'behind' : 'full', i + 1))
const aside = (count: number) => Array.from({ length: count }, (_, i) => row(`aside-${i}`, 'order', 1))
const told = (waiting: Waiting[], agents = 0) => [
  ...reconnectDelays(waiting, { agents, reconnectTimes: new ReconnectTimes(), nowMs: 0, random: () => 0 }),
]
const staying = (waiting: Waiting[], agents = 0) =>
  told(waiting, agents).flatMap(([{ key }, afterMs]) => (afterMs === undefined ? [key] : []))

test('a line holds a thousand, and so does each of nine', () => {
  expect(staying(line('one', 1_500))).toHaveLength(CONNECTED_PLACES)
  const nine = Array.from({ length: 9 }, (_, i) => line(`l${i}`, 1_500)).flat()
  expect(staying(nine)).toHaveLength(MAX_STREAMS - ARRIVING_STREAMS)
})

test('5,000 nodes with ten each and as many agents as there may be: the first of each line stay, and never too many', () => {
  const lines = Array.from({ length: 5_000 }, (_, i) => line(`node-${i}`, 10)).flat()
  const stay = staying(lines, 50_000)
  expect(stay).toHaveLength(MAX_STREAMS - ARRIVING_STREAMS - MAX_AGENT_STREAMS)
  expect(stay.filter(key => key.endsWith('-0'))).toHaveLength(5_000)
  expect(stay.filter(key => key.endsWith('-1'))).toHaveLength(1_000)
})

test('more lines than room: as many heads stay as there is room for', () => {
  const heads = Array.from({ length: 20_000 }, (_, i) => row(`head-${i}`, 'full', 1))
  expect(staying(heads)).toHaveLength(MAX_STREAMS - ARRIVING_STREAMS)
})

test('a ticket that is set aside stands in no line, so it takes no place of one', () => {
  const setAside = Array.from({ length: 50 }, (_, i) => row(`set-aside-${i}`, 'set-aside', 1))
  expect(connectedPlaces([...setAside, ...line('one', 100)], 100)).toEqual({ places: CONNECTED_PLACES, more: 0 })
})

test('who stands in no line takes no places from lines until there are thousands, of whom the last go away', () => {
  expect(staying([...aside(MAX_UNQUEUED_STREAMS), ...line('one', CONNECTED_PLACES)])).toHaveLength(
    MAX_UNQUEUED_STREAMS + CONNECTED_PLACES,
  )
  const away = told([...aside(MAX_UNQUEUED_STREAMS + 1), ...line('one', CONNECTED_PLACES)]).filter(
    ([, ms]) => ms !== undefined,
  )
  expect(away).toEqual([[row(`aside-${MAX_UNQUEUED_STREAMS}`, 'order', 1), 5_000]])
})

test('how long many stay away follows from how many there are', () => {
  const longest = (waiting: Waiting[]) => told(waiting).reduce((most, [, ms]) => (ms && ms > most ? ms : most), 0)
  expect(longest(line('one', CONNECTED_PLACES + 100))).toBe(5_000)
  expect(longest(line('one', CONNECTED_PLACES + 40_000))).toBe(5_000 + 99_000)
})

test('in whatever shape, no more stay than there is room for, and of each line the first', () => {
  const shape = fc.record({
    lengths: fc.array(fc.nat(3_000), { maxLength: 40 }),
    aside: fc.nat(5_000),
    agents: fc.nat(9_000),
  })
  fc.assert(
    fc.property(shape, ({ lengths, aside: besides, agents }) => {
      const waiting = [...lengths.flatMap((length, i) => line(`l${i}`, length)), ...aside(besides)]
      const stay = new Set(staying(waiting, agents))
      expect(stay.size + Math.min(agents, MAX_AGENT_STREAMS)).toBeLessThanOrEqual(MAX_STREAMS - ARRIVING_STREAMS)
      for (const [i, length] of lengths.entries()) if (length > 0) expect(stay.has(`l${i}-0`)).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('whoever waits through its node stays, and takes nobody else a place', () => {
  const shared = line('shared', 30_000)
  // As many as there is room for, so that any place taken from them shows.
  const own = Array.from({ length: 9 }, (_, i) => line(`own${i}`, 1_500)).flat()
  const all = [...shared, ...own]
  const isShared = (key: string): boolean => key.startsWith('shared')
  const room = { agents: 0, reconnectTimes: new ReconnectTimes(), nowMs: 0, random: () => 0, isShared }
  const stay = [...reconnectDelays(all, room)].flatMap(([{ key }, afterMs]) => (afterMs === undefined ? [key] : []))
  expect(stay.filter(isShared)).toHaveLength(30_000)
  expect(stay.filter(key => !isShared(key))).toEqual(staying(own))
})
