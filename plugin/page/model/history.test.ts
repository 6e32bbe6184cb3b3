import { expect, test } from 'vitest'
import { AT_MS, madeGate, madeNodeState, madeScope, madeState } from '../../testing/made-state.ts'
import { createHistory, drawn, gapAt, grantRate, record, sampleOf } from './history.ts'
import { inForce } from './in-force.ts'
import { createRing } from './ring.ts'

test('a ring keeps the latest rows, oldest first', () => {
  const ring = createRing(2, 3)
  expect(ring.latest()).toBeUndefined()
  for (let i = 1; i <= 5; i++) ring.push([i, i === 4 ? null : i * 10])
  expect(ring.columns()).toEqual([
    [3, 4, 5],
    [30, null, 50],
  ])
  expect(ring.latest()).toEqual([5, 50])
})

test('one sample a second is taken, and one a minute kept for the day; a gap is drawn as one', () => {
  const history = createHistory()
  const state = madeState({ nodes: [madeNodeState('a', { held: 3, debt: 1 })], waiting: [madeGate('x', { slots: 2 })] })
  for (let ms = 0; ms <= 61_000; ms += 500) record(history, sampleOf(state, AT_MS + ms, 0))
  record(history, gapAt(AT_MS + 62_000))
  expect([history.seconds.size, history.minutes.size]).toEqual([63, 2])
  const [at, held, limit, waiting] = drawn(history, 'seconds', ['at', 'startHeld', 'startLimit', 'startWaiting'])
  expect(at?.slice(0, 2)).toEqual([AT_MS / 1000, AT_MS / 1000 + 1])
  expect([held?.at(0), limit?.at(0), waiting?.at(0)]).toEqual([4, 4, 2])
  expect(held?.at(-1)).toBeNull()
})

test('the pace is of the last minute, and not across a gap', () => {
  const history = createHistory()
  const state = madeState()
  expect(grantRate(history)).toBeUndefined()
  for (let s = 0; s <= 100; s++) record(history, sampleOf(state, AT_MS + s * 1000, s < 40 ? 0 : (s - 40) * 2))
  expect(grantRate(history)).toBe(2)
  record(history, gapAt(AT_MS + 101_000))
  for (let s = 102; s <= 104; s++) record(history, sampleOf(state, AT_MS + s * 1000, 500))
  expect(grantRate(history)).toBeUndefined()
})

test.each<[string, Parameters<typeof madeState>[0], ReturnType<typeof inForce>]>([
  [
    'the lowest of the cluster’s limit and the sum of its nodes’',
    {
      nodes: [madeNodeState('a', { held: 1 }), madeNodeState('b', { held: 2, debt: 1 })],
      scopes: [madeScope('cluster', { kind: 'cluster', limit: 6, source: 'chart' })],
    },
    { held: 3, debt: 1, limit: 6, from: 'chart' },
  ],
  [
    'the sum of the nodes where that is lower',
    {
      nodes: [madeNodeState('a'), madeNodeState('b')],
      scopes: [madeScope('cluster', { kind: 'cluster', limit: 60 })],
    },
    { held: 0, debt: 0, limit: 8, from: 'sum of 2 nodes' },
  ],
  [
    'none where a node has none',
    { nodes: [{ ...madeNodeState('a'), start: { held: 1, debt: 0, waiting: 0 } }] },
    { held: 1, debt: 0 },
  ],
  [
    'a lost node gives no room',
    { nodes: [madeNodeState('a'), { ...madeNodeState('b', { held: 1 }), lost: true }] },
    { held: 1, debt: 0, limit: 5, from: 'sum of 2 nodes' },
  ],
  [
    'of one namespace for who may read that one',
    {
      namespace: 'shop',
      nodes: [madeNodeState('a', { held: 4 })],
      scopes: [madeScope('namespace/shop', { kind: 'namespace', held: 1, limit: 3, source: 'x' })],
    },
    { held: 1, debt: 0, limit: 3, from: 'x' },
  ],
])('in force: %s', (_, parts, want) => {
  expect(inForce(madeState(parts), 'start')).toEqual(want)
})
