import { expect, test } from 'vitest'
import type { State } from '../../../core/state-api.ts'
import type { RecentGrant, WaitingGate } from '../../../core/state-rows.ts'
import { AT_MS, madeGate, madeGrant, madeState } from '../../testing/made-state.ts'
import { herdOf } from './herd.ts'
import { EMPTY_HERD_LOG, type HerdLog, herdAfter } from './herd-log.ts'
import { createHistory, record, sampleOf } from './history.ts'

interface Moment {
  s: number
  waiting?: WaitingGate[]
  grants?: RecentGrant[]
  term?: number
  total?: number
}

function stateAt({ s, waiting = [], grants = [], term = 4, total = grants.length }: Moment): State {
  const state = madeState({ atMs: AT_MS + s * 1_000, waiting, grants })
  return {
    ...state,
    service: { ...state.service, term },
    recent: { ...state.recent, grants: { total, items: grants } },
  }
}

function after(moments: Moment[]): HerdLog {
  return moments.reduce<HerdLog>((log, moment) => herdAfter(log, stateAt(moment)), EMPTY_HERD_LOG)
}

const gates = (n: number, more: Partial<WaitingGate> = {}) =>
  Array.from({ length: n }, (_, i) => madeGate(`w-${i}`, more))
const grants = (...ids: number[]) => ids.map(id => madeGrant(id))

test('a herd is counted from when somebody waits until nobody has for a while', () => {
  const moments = [
    { s: 0 },
    { s: 1, waiting: gates(3) },
    { s: 2, waiting: gates(2), grants: grants(1) },
    { s: 9, waiting: [], grants: grants(1, 2, 3) },
  ]
  expect(after(moments).herd).toMatchObject({
    startedAtMs: AT_MS + 1_000,
    isLate: false,
    granted: 3,
    quietSinceMs: AT_MS + 9_000,
  })
  // A few seconds later more pods come: the same herd.
  expect(after([...moments, { s: 15, waiting: gates(1), grants: grants(1, 2, 3) }]).herd).toMatchObject({ granted: 3 })
  expect(after([...moments, { s: 15, waiting: gates(1), grants: grants(1, 2, 3) }]).herd?.quietSinceMs).toBeUndefined()
  // Much later: another.
  expect(after([...moments, { s: 30, waiting: gates(1), grants: grants(1, 2, 3) }]).herd).toMatchObject({
    startedAtMs: AT_MS + 30_000,
    granted: 0,
  })
})

test('what was let go before the page was opened does not count, and another leader’s numbers begin anew', () => {
  const first = { s: 0, waiting: gates(3), grants: grants(7, 8), total: 8 }
  expect(after([first]).herd).toMatchObject({ granted: 0, isLate: true })
  expect(after([first, { s: 1, waiting: gates(2), grants: grants(7, 8, 9), total: 9 }]).herd?.granted).toBe(1)
  expect(after([first, { s: 1, waiting: gates(2), grants: grants(1, 2), term: 5 }]).herd?.granted).toBe(2)
})

test('more grants in a second than are told of are counted all the same', () => {
  const log = after([
    { s: 0, waiting: gates(3) },
    { s: 1, waiting: gates(2), grants: grants(399, 400), total: 400 },
  ])
  expect(log.herd).toMatchObject({ granted: 400, byNamespace: new Map([['shop', 2]]) })
})

function viewOf(waiting: WaitingGate[], paceS = 0) {
  const history = createHistory()
  for (let s = 0; s <= 10; s++) record(history, sampleOf(madeState(), AT_MS + s * 1_000, s * paceS))
  const log = after([{ s: 0 }, { s: 1, waiting }])
  return herdOf(stateAt({ s: 10, waiting }), log, history, AT_MS + 10_000)
}

const UNKNOWN = withoutEstimate(madeGate('a'))
const FROZEN = madeGate('f', { cause: 'frozen' })
const LEADERS = 'by the leader’s estimate for the last in line'

test.each<[string, { waiting: WaitingGate[]; pace?: number; leftMs?: number; basis: string }]>([
  [
    'the leader’s estimate for the last',
    { waiting: [madeGate('a'), madeGate('b', { estimateMs: 40_000 })], leftMs: 40_000, basis: LEADERS },
  ],
  [
    'the pace where one has none',
    { waiting: [UNKNOWN, madeGate('b')], pace: 2, leftMs: 1_000, basis: 'if it goes on at 120 a minute' },
  ],
  [
    'nothing where nothing moves',
    { waiting: [UNKNOWN], basis: 'nobody can tell yet: nothing was let go while this page looked' },
  ],
  [
    'nothing where all are frozen',
    { waiting: [FROZEN], pace: 2, basis: 'nobody can tell: all that wait are behind a limit of 0' },
  ],
  [
    'without those that are frozen',
    { waiting: [FROZEN, madeGate('b')], leftMs: 10_000, basis: `${LEADERS}, without 1 gate behind a limit of 0` },
  ],
])('when it will be done: %s', (_, { waiting, pace, leftMs, basis }) => {
  const view = viewOf(waiting, pace)
  expect([view.leftMs, view.basis]).toEqual([leftMs, basis])
})

function withoutEstimate({ estimateMs: _, ...gate }: WaitingGate): WaitingGate {
  return gate
}
