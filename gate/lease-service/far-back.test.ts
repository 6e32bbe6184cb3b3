import { expect, test } from 'vitest'
import { absences, awayMs, HELD_ASIDE, HELD_PLACES, HELD_STREAMS, heldPlaces } from './far-back.ts'
import type { Waiting } from './model.ts'

test.each([
  ['the last held place stays', { place: HELD_PLACES, estimateMs: 900_000 }, 0.5, undefined],
  ['the next place goes away briefly', { place: HELD_PLACES + 1, estimateMs: 900_000 }, 0, 2_500],
  ['without an estimate it does not hurry', { place: 9_000 }, 0.999, 29_985],
  ['half the line in 40 s: back before its turn', { place: 2_000, estimateMs: 40_000 }, 0, 10_000],
  ['far back it is away for half a minute at most', { place: 10_000, estimateMs: 900_000 }, 0.999, 29_985],
])('%s', (_, row, random, want) => {
  expect(awayMs(row, HELD_PLACES, random)).toBe(want)
})

test.each([
  ['one line holds a thousand', 1, HELD_PLACES],
  ['so does each of ten', 10, HELD_PLACES],
  ['two hundred lines share what the leader can hold', 200, HELD_STREAMS / 200],
  ['the next ten stay in each of any number', 100_000, 10],
  ['nobody waits', 0, HELD_PLACES],
])('%s', (_, lines, want) => {
  expect(heldPlaces(lines, 0)).toBe(want)
})

test('who stands in no line takes no places from lines until there are thousands, of whom the last go away', () => {
  const row = (key: string, cause: Waiting['cause'], place: number): Waiting => {
    return { key, resource: 'start', namespace: 'shop', cause, place, of: place, reason: '' }
  }
  const inLine = Array.from({ length: HELD_PLACES }, (_, i) => row(`line-${i}`, i ? 'behind' : 'full', i + 1))
  const aside = (count: number) => Array.from({ length: count }, (_, i) => row(`aside-${i}`, 'order', 1))
  const away = (waiting: Waiting[]) => [...absences(waiting, () => 0)].filter(([, ms]) => ms !== undefined)
  expect(away([...aside(4_000), ...inLine])).toEqual([])
  expect(away([...aside(HELD_ASIDE + 1), ...inLine])).toEqual([[row(`aside-${HELD_ASIDE}`, 'order', 1), 15_000]])
})
