import { expect, test } from 'vitest'
import type { RowChanges, StateChanges } from '../../../core/state-api.ts'
import { applyChanges } from '../../../core/state-changes.ts'
import type { RecentGrant } from '../../../core/state-rows.ts'
import { AT_MS, madeContainer, madeGate, madeGrant, madeSequenced, madeState } from '../../testing/made-state.ts'
import { MOST_NAMESPACES } from './herd-log.ts'
import { MINUTES_KEPT, SECONDS_KEPT } from './history.ts'
import { createMemory, remember } from './memory.ts'
import { MOST_GONE, MOST_SPANS } from './phase-log.ts'

const CHANGES = 100_000

/** A second in which a pod crashes again, another comes and goes, a new namespace's pod is let go. */
function changesAt(i: number): StateChanges {
  const crashing = madeContainer('db', { phase: i % 2 === 0 ? 'failed' : 'starting', restartCount: i })
  const passing = madeSequenced(`web-${i}`, [madeContainer('app', { phase: 'starting' })])
  return {
    atMs: AT_MS + i * 1_000,
    ...(i % 500 === 1 && {
      service: {
        ...{ version: '1', leader: { pod: `lease-${Math.floor(i / 500) % 2}`, address: 'a:1' }, sinceMs: AT_MS },
        term: 4 + Math.floor(i / 500),
      },
    }),
    totals: { start: { gates: 1, slots: 1, sinceMs: AT_MS } },
    waiting: { set: [madeGate(`wait-${i}`)], gone: [`start.wait-${i - 1}.1`] },
    pods: { set: [madeSequenced('crash', [crashing]), passing], gone: [`shop/web-${i - 1}/web-${i - 1}`] },
    recent: { grants: grantsAt(i) },
  }
}

/** Each leader counts its grants anew, and tells the latest 20. */
function grantsAt(i: number): RowChanges<RecentGrant> {
  const id = ((i - 1) % 500) + 1
  const gone = id === 1 ? Array.from({ length: 20 }, (_, k) => String(481 + k)) : [String(id - 20)]
  return { total: id, set: [madeGrant(id, { namespace: `team-${i}` })], gone }
}

test('a page left open keeps no more after 100,000 changes than its bounds', () => {
  const memory = createMemory()
  let state = madeState()
  remember(memory, state)
  for (let i = 1; i <= CHANGES; i++) {
    state = applyChanges(state, changesAt(i))
    remember(memory, state)
  }
  const { history, phases, herd, leaders } = memory
  expect([history.seconds.size, history.minutes.size]).toEqual([SECONDS_KEPT, MINUTES_KEPT])
  expect(history.seconds.columns().map(column => column.length)).toEqual(Array(8).fill(SECONDS_KEPT))
  expect(phases.size).toBe(2 + MOST_GONE)
  expect(phases.get('shop/crash/crash')?.spans.get('db')).toHaveLength(MOST_SPANS)
  expect(herd.herd?.byNamespace.size).toBe(MOST_NAMESPACES)
  expect(herd.granted).toBe(CHANGES)
  expect(leaders).toHaveLength(5)
  // All of it, as text: what is kept cannot hide elsewhere.
  const text = JSON.stringify([...phases].map(([id, record]) => [id, [...record.spans], record.edges]))
  expect(text.length).toBeLessThan(50_000)
  expect(state.waiting.items).toHaveLength(1)
})

test('who leads is noted when the term changes', () => {
  const memory = createMemory()
  const state = madeState()
  remember(memory, state)
  remember(memory, { ...state, atMs: AT_MS + 1_000 })
  expect(memory.leaders).toEqual([])
  const service = { ...state.service, term: 5, leader: { pod: 'startgate-lease-service-1', address: 'b:1' } }
  remember(memory, { ...state, atMs: AT_MS + 2_000, service })
  expect(memory.leaders).toEqual([
    { atMs: AT_MS + 2_000, from: 'startgate-lease-service-0', to: 'startgate-lease-service-1', term: 5 },
  ])
})
