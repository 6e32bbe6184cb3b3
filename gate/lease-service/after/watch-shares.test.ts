import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countedFor, roomFor, type WatchOf } from './watch-shares.ts'

const MOST = 8

/** What is watched when namespaces ask in this order, each for one more. */
function after(asks: readonly string[]): WatchOf[] {
  return asks.reduce<WatchOf[]>((watches, by, i) => {
    const { isRoom, goes } = roomFor(by, watches, MOST)
    return isRoom ? [...watches.filter(({ key }) => key !== goes), { key: String(i), by }] : watches
  }, [])
}

test('whatever others ask for, a namespace that asks often enough gets its share, and no more are watched', () => {
  const namespace = fc.constantFrom('a', 'b', 'c', 'd')
  fc.assert(
    fc.property(fc.array(namespace), asks => {
      const watches = after([...asks, 'shop', 'shop', 'shop', 'shop'])
      const of = new Set(watches.map(({ by }) => by))
      expect(watches.length).toBeLessThanOrEqual(MOST)
      const own = watches.filter(({ by }) => by === 'shop').length
      expect(own).toBeGreaterThanOrEqual(Math.min(4, Math.floor(MOST / of.size)))
    }),
  )
})

test('one that two want counts for the one that has fewer', () => {
  const watches = ['greedy', 'greedy', 'greedy', 'shop'].map((by, i) => ({ key: String(i), by }))
  expect([countedFor('greedy', 'shop', watches), countedFor('shop', 'greedy', watches)]).toEqual(['shop', 'shop'])
})
