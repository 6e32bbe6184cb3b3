import { expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from './cluster-settings.ts'
import { isLocal } from './free-slots.ts'
import { isRamped, rampAt, rampScopes } from './pull-ramp.ts'
import type { ImageSpread, LimitFacts } from './scope.ts'

/** `nodes`: how many have each image. */
function facts(nodes: Record<string, number>, { pullRamp = false, asks = false } = {}): LimitFacts {
  const images: ImageSpread = {
    onNodes: image => nodes[image] ?? 0,
    isWanted: image => image in nodes,
    nameOf: image => (image in nodes ? `registry/${image}:1` : undefined),
  }
  const namespaces = new Map([['shop', asks ? { pullRamp: true } : {}]])
  return { settings: { ...DEFAULT_SETTINGS, pullRamp }, nodes: new Map(), namespaces, images }
}
const place = (...images: string[]) => ({ namespace: 'shop', images })

test.each([[0, 1], [1, 2], [2, 4], [3, 6], [500, 1_000]])('on %i nodes: %i may pull it', (onNodes, limit) => {
  expect(rampScopes(place('app'), facts({ app: onNodes }, { pullRamp: true }))).toMatchObject([{ limit }])
}) // biome-ignore format: a table

test('each image of a pull has its own, once', () => {
  const scopes = rampScopes(place('a', 'b', 'a'), facts({ a: 1 }, { asks: true }))
  expect(scopes.map(({ id, subject, limit }) => [id, subject, limit])).toEqual([
    ['image/a', 'image registry/a:1', 2],
    ['image/b', 'image b', 1],
  ])
})

test('the chart asks for it for all, a namespace for itself', () => {
  expect(rampScopes(place('app'), facts({}))).toEqual([])
  expect(rampScopes(place(), facts({}, { pullRamp: true }))).toEqual([])
  const sourceOf = (given: LimitFacts) => rampScopes(place('app'), given)[0]?.source
  expect(sourceOf(facts({}, { pullRamp: true, asks: true }))).toBe("limits.pullRamp: true in the chart's values")
  expect(sourceOf(facts({}, { asks: true }))).toBe('startgate.dev/pull-ramp: on on namespace shop')
  expect(isRamped('other', facts({}, { asks: true }))).toBe(false)
})

test('who waits for an image does not hold up those of its namespace who want another', () => {
  expect(rampScopes(place('app'), facts({}, { pullRamp: true })).map(isLocal)).toEqual([true])
})

test('what nobody waits for has none to show', () => {
  expect(rampAt('app', facts({ app: 2 }, { asks: true }))).toMatchObject({ id: 'image/app', limit: 4 })
  expect(rampAt('other', facts({ app: 2 }, { pullRamp: true }))).toBeUndefined()
})
