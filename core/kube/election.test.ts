import { describe, expect, test } from 'vitest'
import {
  beginTurn,
  type Contender,
  callTimeoutMs,
  type ElectionState,
  INITIAL_ELECTION,
  isChanging,
  isLeading,
  LEADER_ADDRESS_ANNOTATION,
  leaderOf,
  nextAction,
  observed,
  released,
  SIDECAR_GATES_ANNOTATION,
  turnDelayMs,
  writeFailed,
  written,
} from './election.ts'
import { checkElectionTimes, ELECTION_TIMES } from './election-times.ts'
import type { Lease } from './lease.ts'

const me: Contender = {
  namespace: 'startgate-system',
  name: 'startgate-leader',
  identity: 'me',
  address: '10.0.0.1:8443',
  times: ELECTION_TIMES,
}
const lease = (holderIdentity: string, spec: Lease['spec'] = {}): Lease => ({
  metadata: { namespace: me.namespace, name: me.name, uid: 'u1', resourceVersion: '7' },
  spec: { holderIdentity, leaseDurationSeconds: 8, leaseTransitions: 4, renewTime: 'r1', ...spec },
})
const at = (monotonicMs: number) => ({ monotonicMs, wallMs: monotonicMs })
const seen = (there: Lease | undefined, monotonicMs = 0) => observed(INITIAL_ELECTION, there, me, monotonicMs)

describe('what a contender does', () => {
  const leading = written(lease('me'), 0, 10)
  const cases: Record<string, { state: ElectionState; nowMs: number; want: string; term?: number }> = {
    'who has not looked looks': { state: INITIAL_ELECTION, nowMs: 0, want: 'read' },
    'no Lease: it is made, in term 1': { state: seen(undefined), nowMs: 0, want: 'create', term: 1 },
    'a Lease nobody ever held is taken': { state: seen({ metadata: {} }), nowMs: 0, want: 'replace', term: 1 },
    'a held one is left alone, whatever its stamps say': {
      state: seen(lease('other', { renewTime: '1999-01-01T00:00:00.000000Z' }), 1_000),
      nowMs: 8_999,
      want: 'wait',
    },
    'unchanged for the whole duration: taken over in a new term': {
      state: seen(lease('other'), 1_000),
      nowMs: 9_000,
      want: 'replace',
      term: 5,
    },
    "the holder's own duration counts": {
      state: seen(lease('other', { leaseDurationSeconds: 20 })),
      nowMs: 19_999,
      want: 'wait',
    },
    'a released one is taken at once': {
      state: seen(lease('', { leaseDurationSeconds: 1 })),
      nowMs: 0,
      want: 'replace',
      term: 5,
    },
    'a change starts the wait anew': {
      state: observed(seen(lease('other')), lease('other', { renewTime: 'r2' }), me, 7_000),
      nowMs: 14_999,
      want: 'wait',
    },
    'a change of something else does not': {
      state: observed(
        seen(lease('other')),
        { ...lease('other'), metadata: { uid: 'u1', resourceVersion: '8' } },
        me,
        7_000,
      ),
      nowMs: 8_000,
      want: 'replace',
      term: 5,
    },
    'a leader renews in its term': { state: leading, nowMs: 5_999, want: 'replace', term: 4 },
    'an overdue leader looks first': { state: leading, nowMs: 6_000, want: 'read' },
    'and takes its own Lease again only in a new term': {
      state: observed(beginTurn(leading, me.times, 6_000), lease('me'), me, 6_000),
      nowMs: 6_000,
      want: 'replace',
      term: 5,
    },
  }
  test.each(Object.entries(cases))('%s', (_, { state, nowMs, want, term }) => {
    const action = nextAction(state.leading ? beginTurn(state, me.times, nowMs) : state, me, at(nowMs))
    expect(action.kind).toBe(want)
    expect('lease' in action ? action.lease.spec?.leaseTransitions : undefined).toBe(term)
  })

  test('a takeover says who, where and for how long, and keeps what it does not know', () => {
    const there = lease('other', { renewTime: 'r1' })
    const action = nextAction(seen({ ...there, kind: 'Lease' }), me, at(8_000))
    expect(action).toMatchObject({
      lease: {
        kind: 'Lease',
        metadata: {
          uid: 'u1',
          resourceVersion: '7',
          annotations: { [LEADER_ADDRESS_ANNOTATION]: '10.0.0.1:8443', [SIDECAR_GATES_ANNOTATION]: 'me' },
        },
        spec: { holderIdentity: 'me', leaseDurationSeconds: 7 },
      },
    })
  })

  test('a renewal in the very same millisecond still changes the Lease', () => {
    const first = nextAction(leading, me, at(2_000))
    if (first.kind !== 'replace') throw new Error(first.kind)
    const second = nextAction(written(first.lease, 2_000, 2_000), me, at(2_000))
    if (second.kind !== 'replace') throw new Error(second.kind)
    expect(second.lease.spec?.renewTime).not.toBe(first.lease.spec?.renewTime)
  })
})

describe('leading ends', () => {
  const leading = written(lease('me'), 1_000, 2_000)
  test('renewDeadline after the renewal was sent, not after it was answered', () => {
    expect(isLeading(leading, me.times, 6_999)).toBe(true)
    expect(isLeading(leading, me.times, 7_000)).toBe(false)
  })
  const seenNow: Record<string, Lease | undefined> = {
    'when another holds the Lease': lease('other', { leaseTransitions: 5 }),
    'when the term moved on under our name': lease('me', { leaseTransitions: 5 }),
    'when the Lease was deleted': undefined,
  }
  test.each(Object.entries(seenNow))('%s', (_, there) => {
    expect(observed(leading, there, me, 3_000).leading).toBeUndefined()
  })
  test('not when a label was put on the Lease', () => {
    const there = { ...lease('me'), metadata: { ...lease('me').metadata, labels: { a: 'b' }, resourceVersion: '9' } }
    expect(observed(leading, there, me, 3_000).leading).toEqual(leading.leading)
  })
})

test('the leader is known until the Lease runs out, and nobody is after a release', () => {
  const state = seen({ ...lease('other'), metadata: { annotations: { [LEADER_ADDRESS_ANNOTATION]: 'a:1' } } })
  expect(leaderOf(state, me.times, 7_999)).toEqual({ identity: 'other', address: 'a:1', term: 4 })
  expect(leaderOf(state, me.times, 8_000)).toBeUndefined()
  expect(leaderOf(seen(released(lease('other'), at(1))), me.times, 1)).toBeUndefined()
})

test('the next turn comes in time', () => {
  const other = seen(lease('other'))
  const mine = written(lease('me'), 0, 700)
  expect(turnDelayMs(mine, me.times, 700, 0.5)).toBe(300)
  expect(turnDelayMs(mine, me.times, 2_700, 0.5)).toBe(0)
  expect(turnDelayMs(other, me.times, 0, 0)).toBe(350)
  expect(turnDelayMs(other, me.times, 0, 1)).toBeCloseTo(450)
  expect(turnDelayMs(other, me.times, 7_900, 0)).toBe(100)
  expect(turnDelayMs(other, me.times, 9_000, 0)).toBe(350)
  expect(turnDelayMs(writeFailed(other), me.times, 9_000, 0)).toBe(250)
})

test('a leader whose every call takes almost 3 s leads on', () => {
  const callMs = callTimeoutMs(ELECTION_TIMES)
  let state = written(lease('me'), 0, callMs)
  for (let nowMs = callMs, turn = 0; turn < 5; turn++) {
    nowMs += turnDelayMs(state, me.times, nowMs, 0)
    const sentAtMs = nowMs
    nowMs += callMs
    expect(isLeading(state, me.times, nowMs)).toBe(true)
    state = written(lease('me'), sentAtMs, nowMs)
  }
})

describe('another leader is to be expected', () => {
  const renewed = observed(seen(lease('other'), 0), lease('other', { renewTime: 'r2' }), me, 1_000)
  const looked = (state: ElectionState, nowMs: number) => observed(state, state.lease, me, nowMs)
  const cases: Record<string, [ElectionState, nowMs: number, want: boolean]> = {
    'not while the Lease changes': [looked(renewed, 3_000), 3_000, false],
    'when it has not for two periods': [looked(renewed, 3_001), 3_001, true],
    'when it was seen only once': [seen(lease('other'), 0), 0, true],
    'when it was let go': [observed(renewed, released(lease('other'), at(2_000)), me, 2_000), 2_000, true],
    'when there is none': [seen(undefined), 0, true],
    'but nobody can tell who has not looked': [INITIAL_ELECTION, 0, false],
    'or not for long': [looked(renewed, 3_001), 7_000, false],
  }
  test.each(Object.entries(cases))('%s', (_, [state, nowMs, want]) => {
    expect(isChanging(state, me.times, nowMs)).toBe(want)
  })
})

test('times under which two could lead are refused', () => {
  expect(() => checkElectionTimes(ELECTION_TIMES)).not.toThrow()
  expect(() => checkElectionTimes({ ...ELECTION_TIMES, renewDeadlineMs: 7_000 })).toThrow('more than renewDeadlineMs')
  expect(() => checkElectionTimes({ ...ELECTION_TIMES, renewDeadlineMs: 1_500 })).toThrow('twice retryPeriodMs')
  expect(() => checkElectionTimes({ ...ELECTION_TIMES, retryPeriodMs: 0 })).toThrow(
    'retryPeriodMs: "0" is too short; use more than 0',
  )
  expect(() => checkElectionTimes({ ...ELECTION_TIMES, leaseDurationMs: 7_500 })).toThrow('whole seconds')
})
