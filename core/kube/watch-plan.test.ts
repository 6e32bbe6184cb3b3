import { describe, expect, test } from 'vitest'
import { KubeError, kubeErrorOfAnswer } from './kube-error.ts'
import {
  endOfError,
  endOfErrorEvent,
  type LoopEnd,
  type LoopState,
  planAfter,
  watchQuery,
  watchTimeoutSeconds,
} from './watch-plan.ts'

const fresh: LoopState = { failures: 0 }
const quiet = { receivedEvents: false }
const busy = { receivedEvents: true }

describe('what comes after', () => {
  const cases: Record<string, { end: LoopEnd; state?: LoopState; want: [next: string, delayMs: number] }> = {
    'a list: watch at once': { end: { kind: 'Listed' }, want: ['watch', 0] },
    'a watch the server closed: watch on at once': { end: { kind: 'Closed', ...busy }, want: ['watch', 0] },
    'a watch closed without an event: at once, the first time': {
      end: { kind: 'Closed', ...quiet },
      want: ['watch', 0],
    },
    'closed again and again: slower': {
      end: { kind: 'Closed', ...quiet },
      state: { ...fresh, failures: 3 },
      want: ['watch', 400],
    },
    'a watch that fell silent: watch on at once': { end: { kind: 'Silent', ...busy }, want: ['watch', 0] },
    'a resourceVersion too old: list at once': { end: { kind: 'Expired', ...busy }, want: ['list', 0] },
    'a server that cannot stream a list: pages at once': { end: { kind: 'NoStreaming' }, want: ['pages', 0] },
    'a cut connection: watch on after a moment': { end: { kind: 'Unreachable', ...busy }, want: ['watch', 100] },
    'no connection for the third time: list': {
      end: { kind: 'Unreachable', ...quiet },
      state: { ...fresh, failures: 2 },
      want: ['list', 400],
    },
    'no connection for long: at most 2 s between tries': {
      end: { kind: 'Unreachable', ...quiet },
      state: { ...fresh, failures: 40 },
      want: ['list', 2_000],
    },
    'a server that says when to come back is obeyed': {
      end: { kind: 'Unreachable', ...quiet, retryAfterMs: 9_000 },
      want: ['watch', 9_000],
    },
    'a refusal: list after a moment': { end: { kind: 'Refused', ...busy }, want: ['list', 100] },
  }
  test.each(Object.entries(cases))('%s', (_, { end, state = fresh, want }) => {
    const plan = planAfter(end, state, 1)
    expect([plan.next, plan.delayMs]).toEqual(want)
  })

  test('an event ends the row of failures', () => {
    expect(planAfter({ kind: 'Unreachable', ...busy }, { ...fresh, failures: 9 }, 0).failures).toBe(0)
    expect(planAfter({ kind: 'Unreachable', ...quiet }, { ...fresh, failures: 9 }, 0).failures).toBe(10)
  })

  test('the back-off is spread over its upper half', () => {
    expect(planAfter({ kind: 'Unreachable', ...quiet }, fresh, 0).delayMs).toBe(50)
  })
})

describe('an error ends a watch as', () => {
  const answer = (status: number, body = '') => kubeErrorOfAnswer('watch', status, body)
  const cases: Record<string, { error: unknown; want: LoopEnd }> = {
    '410: expired': { error: answer(410), want: { kind: 'Expired', ...quiet } },
    'watchdog: silent': {
      error: new KubeError('', { status: 0, reason: 'Timeout' }),
      want: { kind: 'Silent', ...quiet },
    },
    'refused connection: unreachable': {
      error: new KubeError('', { status: 0, reason: 'ConnectionRefused' }),
      want: { kind: 'Unreachable', ...quiet },
    },
    '429 with a time: unreachable until then': {
      error: answer(429, '{"details":{"retryAfterSeconds":2}}'),
      want: { kind: 'Unreachable', ...quiet, retryAfterMs: 2_000 },
    },
    '503: unreachable': { error: answer(503), want: { kind: 'Unreachable', ...quiet } },
    '403: refused': { error: answer(403), want: { kind: 'Refused', ...quiet } },
    'a garbled line: refused': { error: new SyntaxError('bad JSON'), want: { kind: 'Refused', ...quiet } },
  }
  test.each(Object.entries(cases))('%s', (_, { error, want }) => {
    expect(endOfError(error, false)).toEqual(want)
  })
})

test('an ERROR event of 410 is expired, any other is refused', () => {
  expect(endOfErrorEvent({ code: 410, reason: 'Expired' }, true).kind).toBe('Expired')
  expect(endOfErrorEvent({ code: 500, reason: 'InternalError' }, true).kind).toBe('Refused')
})

test('a streaming list names no resourceVersion, so that it is consistent, and lasts longer than a watch', () => {
  expect(watchQuery('Begin', 0)).toEqual({
    watch: true,
    allowWatchBookmarks: true,
    sendInitialEvents: true,
    resourceVersionMatch: 'NotOlderThan',
    timeoutSeconds: 960,
  })
  expect(watchQuery({ resourceVersion: '7' }, 0)).toMatchObject({ resourceVersion: '7', timeoutSeconds: 240 })
})

test('a watch lasts 240 to 300 s', () => {
  expect([watchTimeoutSeconds(0), watchTimeoutSeconds(0.9999)]).toEqual([240, 300])
})
