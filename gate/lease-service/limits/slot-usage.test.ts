import { expect, test } from 'vitest'
import { WaitEstimate } from '../ledger/wait-estimate.ts'
import { CLUSTER, scopeRef } from './scope-ref.ts'
import { Usage } from './slot-usage.ts'

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

test('a namespace counts in the cluster for its share at most, however much it holds', () => {
  const usage = new Usage(7)
  const inCluster = (slots: number) => {
    usage.hold(holder, slots)
    return usage.held('start', 'cluster')
  }
  usage.hold({ ...holder, key: 'b', namespace: 'b' }, 2)
  expect([11, 8, 6, 9, 0].map(inCluster)).toEqual([9, 9, 8, 9, 2])
  usage.hold(holder, 11)
  expect([usage.held('start', 'namespace/s'), usage.held('start', 'node/n')]).toEqual([11, 13])
})

test('what a namespace holds is told by node, by registry, and else as a whole', () => {
  const usage = new Usage()
  usage.hold({ ...holder, resource: 'pull', images: ['quay.io/a:1'] }, 1)
  usage.hold({ ...holder, key: 'other', resource: 'pull', nodeName: 'm' }, 1)
  const registries = ['quay.io', 'docker.io'].map(registry => scopeRef({ kind: 'registry', registry }))
  const scopes = [CLUSTER, scopeRef({ kind: 'node', node: 'n' }), ...registries]
  expect(scopes.map(scope => usage.heldBy('pull', 's', scope))).toEqual([2, 1, 1, 0])
  expect(usage.heldBy('pull', 'other', CLUSTER)).toBe(0)
})

test('an estimate is the average hold time for each round of slots before it', () => {
  const estimate = new WaitEstimate()
  expect(estimate.waitMs('start', 1, { limit: 2 })).toBeUndefined()
  for (const ms of [1_000, 3_000]) estimate.add('start', ms)
  expect([1, 2, 3, 5].map(place => estimate.waitMs('start', place, { limit: 2 }))).toEqual([2_000, 2_000, 4_000, 6_000])
  expect([estimate.waitMs('pull', 1, { limit: 1 }), estimate.waitMs('start', 1, { limit: 0 })]).toEqual([
    undefined,
    undefined,
  ])
})

test('under a rate an estimate is the windows before it, however long slots are held, and known from the start', () => {
  const estimate = new WaitEstimate()
  const waits = (limit: number, windowMs: number) =>
    [1, 2, 20].map(place => estimate.waitMs('start', place, { limit, windowMs }))
  expect(waits(1, 60_000)).toEqual([60_000, 120_000, 1_200_000])
  estimate.add('start', 5_000)
  expect(waits(1, 60_000)).toEqual([60_000, 120_000, 1_200_000])
  expect(waits(10, 1_000)).toEqual([1_000, 1_000, 2_000])
})

test('an estimate forgets what is long past', () => {
  const estimate = new WaitEstimate()
  estimate.add('pull', 1e9)
  for (let i = 0; i < 50; i++) estimate.add('pull', 100)
  expect(estimate.waitMs('pull', 1, { limit: 1 })).toBe(100)
})
