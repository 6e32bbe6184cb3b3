import { expect, test } from 'vitest'
import { Estimate } from './estimate.ts'
import { Usage } from './usage.ts'

const holder = { key: 'start.u.1', resource: 'start' as const, namespace: 's', nodeName: 'n', images: [] }
const ids = ['cluster', 'node/n', 'namespace/s', 'namespace/s/node/n']

test('slots count in every scope of their holder, and in no other', () => {
  const usage = new Usage()
  usage.hold(holder, 3)
  expect(ids.map(id => usage.held('start', id))).toEqual([3, 3, 3, 3])
  expect([usage.held('pull', 'cluster'), usage.held('start', 'node/m')]).toEqual([0, 0])
})

test('saying the same again changes nothing, and nothing is given back twice', () => {
  const usage = new Usage()
  usage.hold({ ...holder, key: 'other' }, 1)
  for (const slots of [2, 2, 1, 0, 0]) usage.hold(holder, slots)
  expect(usage.held('start', 'cluster')).toBe(1)
  usage.hold({ ...holder, key: 'other' }, 0)
  expect(usage.rows([], () => 1).map(row => `${row.resource} ${row.scope}: ${row.held}`)).toEqual([
    'pull cluster: 0',
    'start cluster: 0',
  ])
})

test('an estimate is the average hold time for each round of slots before it', () => {
  const estimate = new Estimate()
  expect(estimate.waitMs('start', 1, 2)).toBeUndefined()
  for (const ms of [1_000, 3_000]) estimate.add('start', ms)
  expect([1, 2, 3, 5].map(place => estimate.waitMs('start', place, 2))).toEqual([2_000, 2_000, 4_000, 6_000])
  expect([estimate.waitMs('pull', 1, 1), estimate.waitMs('start', 1, 0)]).toEqual([undefined, undefined])
})

test('an estimate forgets what is long past', () => {
  const estimate = new Estimate()
  estimate.add('pull', 1e9)
  for (let i = 0; i < 50; i++) estimate.add('pull', 100)
  expect(estimate.waitMs('pull', 1, 1)).toBe(100)
})
