import { expect, test } from 'vitest'
import { placeFor, tooMuchUnread } from './watch-fairness.ts'

const placesOf = (...readers: string[]) => readers.map((reader, i) => ({ reader, sinceMs: 100 - i }))

test.each([
  ['the oldest of who has the most goes', 'b', placesOf('a', 'a', 'c'), { reader: 'a', sinceMs: 99 }],
  ['nobody goes for one who would have as many', 'b', placesOf('a', 'a', 'b'), undefined],
  ['nor for the one who has the most', 'a', placesOf('a', 'a', 'b'), undefined],
  ['nor where nobody is', 'a', [], undefined],
])('%s', (_, reader, open, want) => {
  expect(placeFor(reader, open)).toEqual(want)
})

test.each([
  [
    'nobody goes while there is room',
    [
      ['a', 5],
      ['b', 5],
    ],
    [],
  ],
  [
    'of the reader with the most its greatest goes',
    [
      ['a', 4],
      ['a', 3],
      ['b', 5],
    ],
    [['a', 4]],
  ],
  [
    'until there is room',
    [
      ['a', 9],
      ['a', 9],
      ['b', 9],
    ],
    [
      ['a', 9],
      ['a', 9],
    ],
  ],
  ['one alone too', [['a', 11]], [['a', 11]]],
] as [string, [string, number][], [string, number][]][])('%s', (_, watches, want) => {
  const all = watches.map(([reader, bytes]) => ({ reader, bytes }))
  expect(tooMuchUnread(all, 10)).toEqual(want.map(([reader, bytes]) => ({ reader, bytes })))
})
