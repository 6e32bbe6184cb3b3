import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GateMessage } from '../../core/lease-api.ts'
import { failOpenAtMs, reconnectDelayMs } from './patience.ts'
import { deadlineMs, goOnWaiting, startWaiting, step, type WaitEvent, type WaitState } from './waiting.ts'

const patience = { failOpenAfterMs: 60_000, failOpenJitterMs: 300_000 }
const nonce = 'nonce-01'
const heard = (message: GateMessage): WaitEvent => ({ kind: 'message', message, nonce })
const waiting = (place: number, estimateMs?: number): Extract<GateMessage, { kind: 'waiting' }> => ({
  kind: 'waiting',
  place,
  of: 9,
  reason: 'start: node a has 2 of 2 slots in use',
  ...(estimateMs !== undefined && { estimateMs }),
})
const lost: WaitEvent = { kind: 'lost', reason: 'connect ECONNREFUSED' }

describe('a waiting gate', () => {
  const fresh = startWaiting(1_000, 0.5)
  const cases: Record<
    string,
    { state?: WaitState; event: WaitEvent; nowMs: number; want: unknown; wantState?: Partial<WaitState> }
  > = {
    'listens on while it waits in line': {
      event: heard(waiting(3, 20_000)),
      nowMs: 5_000,
      want: { kind: 'listen' },
      wantState: { lastContactMs: 5_000, estimateMs: 20_000 },
    },
    'tells the pressure on its node when asked, and listens on': {
      event: heard({ ...waiting(3), pressureTo: '10.0.0.2:8443' }),
      nowMs: 5_000,
      want: { kind: 'listen', pressureTo: '10.0.0.2:8443' },
    },
    'ends with the grant that carries its nonce': {
      event: heard({ kind: 'granted', nonce }),
      nowMs: 2_000,
      want: { kind: 'exit', verdict: 'granted' },
    },
    'does not take the answer to another request for its own': {
      event: heard({ kind: 'granted', nonce: 'nonce-00' }),
      nowMs: 2_000,
      want: { kind: 'connect', afterMs: 375 },
    },
    'asks again when told': {
      event: heard({ kind: 'retry', afterMs: 700, reason: 'far back in line' }),
      nowMs: 2_000,
      want: { kind: 'connect', afterMs: 700 },
      wantState: { lastContactMs: 2_700 },
    },
    'goes to the leader at once': {
      event: heard({ kind: 'leader', address: '10.0.0.2:8443', term: 4 }),
      nowMs: 2_000,
      want: { kind: 'connect', afterMs: 0 },
      wantState: { leader: '10.0.0.2:8443', lastContactMs: 1_000 },
    },
    'slows down when the leader points to another': {
      state: { ...fresh, leader: '10.0.0.2:8443' },
      event: heard({ kind: 'leader', address: '10.0.0.3:8443', term: 4 }),
      nowMs: 2_000,
      want: { kind: 'connect', afterMs: 375 },
    },
    'goes back to the Service when the leader is lost': {
      state: { ...fresh, leader: '10.0.0.2:8443' },
      event: lost,
      nowMs: 2_000,
      want: { kind: 'connect', afterMs: 375 },
      wantState: { leader: undefined },
    },
    'keeps trying within its patience': { event: lost, nowMs: 210_999, want: { kind: 'connect', afterMs: 1 } },
    'lets its pod go when its patience is at an end': {
      event: lost,
      nowMs: 211_000,
      want: { kind: 'exit', verdict: 'failed-open' },
    },
    'counts patience from its last contact': {
      state: { ...fresh, lastContactMs: 100_000, estimateMs: 5_000 },
      event: lost,
      nowMs: 164_999,
      want: { kind: 'connect', afterMs: 1 },
    },
    'takes a follower without a way on for no contact': {
      event: { kind: 'lost', reason: 'NO_LEADER: no replica leads' },
      nowMs: 500_000,
      want: { kind: 'exit', verdict: 'failed-open' },
    },
  }
  test.each(Object.entries(cases))('%s', (_, { state = fresh, event, nowMs, want, wantState = {} }) => {
    const [next, action] = step(state, event, nowMs, patience)
    expect(action).toEqual(want)
    expect(next).toMatchObject(wantState)
  })

  test('a message of an unknown kind is contact: a newer service says more than this gate understands', () => {
    const event = heard({ kind: 'party' } as unknown as GateMessage)
    const [next, action] = step({ ...fresh, failures: 3 }, event, 5_000, patience)
    expect(action).toEqual({ kind: 'listen' })
    expect(next).toMatchObject({ lastContactMs: 5_000, failures: 0 })
  })

  test('a pause that is no number is none, and never keeps a gate for ever', () => {
    const event = heard({ kind: 'retry', reason: 'in a unit of tomorrow' } as unknown as GateMessage)
    const [next, action] = step(fresh, event, 5_000, patience)
    expect(action).toEqual({ kind: 'connect', afterMs: 0 })
    expect(next.lastContactMs).toBe(5_000)
  })
})

describe('a gate after one of its run that had to fail open', () => {
  const fresh = startWaiting(1_000, 0.5, true)
  const leader: WaitEvent = heard({ kind: 'leader', address: '10.0.0.2:8443', term: 4 })

  test('lets its pod go at the first try that finds nobody', () => {
    expect(step(fresh, lost, 1_010, patience)[1]).toEqual({ kind: 'exit', verdict: 'failed-open' })
  })

  test('counts its tries, for an agent that goes on trying after all', () => {
    const [once] = step(fresh, lost, 1_010, patience)
    const [twice] = step(once, lost, 1_300, patience)
    expect([once.failures, twice.failures]).toEqual([1, 2])
  })

  test('gives up a try that hears nothing after 5 s', () => {
    expect(deadlineMs(fresh, patience)).toBe(6_000)
  })

  test('waits no longer than its patience, where that is less', () => {
    expect(deadlineMs(fresh, { failOpenAfterMs: 2_000, failOpenJitterMs: 300_000 })).toBe(3_000)
  })

  test('follows the way to a leader, and back when nobody is there, as long as the try lasts', () => {
    const [told, follow] = step(fresh, leader, 1_010, patience)
    expect(follow).toEqual({ kind: 'connect', afterMs: 0 })
    const [, again] = step(told, lost, 1_500, patience)
    expect(again).toMatchObject({ kind: 'connect' })
    expect(step(told, lost, 6_000, patience)[1]).toEqual({ kind: 'exit', verdict: 'failed-open' })
  })

  test.each([waiting(3), { kind: 'retry', afterMs: 0, reason: 'far back' } as const])(
    'has all its patience again once it hears of its place: %j',
    message => {
      const [next] = step(fresh, heard(message), 2_000, patience)
      expect(step(next, lost, 62_000, patience)[1]).toMatchObject({ kind: 'connect' })
      expect(deadlineMs(next, patience)).toBe(2_000 + 60_000 + 150_000)
    },
  )

  test('that fails closed tries on as ever', () => {
    const closed = { ...patience, failOpenAfterMs: Number.POSITIVE_INFINITY }
    expect(step(fresh, lost, 100_000, closed)[1]).toMatchObject({ kind: 'connect' })
  })
})

test('gates that never had contact break loose spread over the jitter, not together', () => {
  const at = (random: number) => failOpenAtMs({ lastContactMs: 0, random }, patience)
  expect([at(0), at(0.5), at(0.999)]).toEqual([60_000, 210_000, 359_700])
})

test('an estimate puts failing open off by ten minutes at most', () => {
  expect(failOpenAtMs({ lastContactMs: 0, estimateMs: 9e9, random: 0 }, patience)).toBe(660_000)
})

test('reconnect delays double, are half random, and end at 8 s', () => {
  expect([0, 1, 5, 50].map(failures => [reconnectDelayMs(failures, 0), reconnectDelayMs(failures, 1)])).toEqual([
    [125, 250],
    [250, 500],
    [4_000, 8_000],
    [4_000, 8_000],
  ])
})

test('whatever is heard and lost, a gate that is never granted ends by failing open and never before its patience', () => {
  const events = fc.array(
    fc.record({ gapMs: fc.nat(30_000), lost: fc.boolean(), estimate: fc.option(fc.nat(2e6), { nil: undefined }) }),
  )
  fc.assert(
    fc.property(events, fc.double({ min: 0, max: 0.999, noNaN: true }), (list, random) => {
      let state = startWaiting(0, random)
      let nowMs = 0
      let lastContactMs = 0
      for (const { gapMs, lost: isLost, estimate } of list) {
        nowMs += gapMs
        if (!isLost) lastContactMs = nowMs
        const [next, action] = step(state, isLost ? lost : heard(waiting(1, estimate)), nowMs, patience)
        state = next
        if (action.kind === 'exit') {
          expect(action.verdict).toBe('failed-open')
          expect(nowMs - lastContactMs).toBeGreaterThanOrEqual(patience.failOpenAfterMs)
          return
        }
      }
      const [, last] = step(state, lost, lastContactMs + 60_000 + 600_000 + 300_000, patience)
      expect(last).toEqual({ kind: 'exit', verdict: 'failed-open' })
    }),
  )
})

test('a gate that fails closed tries on for ever, and is granted when the service is back', () => {
  const closed = { ...patience, failOpenAfterMs: Number.POSITIVE_INFINITY }
  const hourMs = 3_600_000
  let state = startWaiting(0, 0.5)
  for (let nowMs = hourMs; nowMs < 1_000 * hourMs; nowMs += hourMs) {
    const [next, action] = step(state, lost, nowMs, closed)
    expect(action).toMatchObject({ kind: 'connect', afterMs: expect.toSatisfy((ms: number) => ms <= 8_000) })
    state = next
  }
  const granted: WaitEvent = { kind: 'message', message: { kind: 'granted', nonce: 'n' } as GateMessage, nonce: 'n' }
  expect(step(state, granted, 1_001 * hourMs, closed)[1]).toEqual({ kind: 'exit', verdict: 'granted' })
})

test('a wait that goes on elsewhere ends when it would have ended, and no later than its patience allows', () => {
  const seconds = fc.nat(2_000).map(s => s * 1_000)
  fc.assert(
    fc.property(seconds, seconds, fc.double({ min: 0, max: 1, noNaN: true }), (waitedMs, leftMs, random) => {
      const nowMs = 50_000
      const state = goOnWaiting(startWaiting(nowMs, random), { waitedMs, leftMs }, nowMs, patience)
      const most = patience.failOpenAfterMs + 600_000
      expect(deadlineMs(state, patience)).toBeCloseTo(nowMs + Math.min(leftMs, most), 0)
      expect(state.startedMs).toBe(nowMs - waitedMs)
      // A word of a leader gives it its whole patience again.
      const [next] = step(state, heard(waiting(1)), nowMs, patience)
      expect(deadlineMs(next, patience)).toBeGreaterThanOrEqual(nowMs + patience.failOpenAfterMs)
    }),
  )
})

test('nor does it begin to fail open where it never does', () => {
  const closed = { ...patience, failOpenAfterMs: Number.POSITIVE_INFINITY }
  const state = goOnWaiting(startWaiting(0, 0.5), { waitedMs: 5_000, leftMs: 1_000 }, 0, closed)
  expect(deadlineMs(state, closed)).toBe(Number.POSITIVE_INFINITY)
})
