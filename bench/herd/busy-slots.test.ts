import { expect, test } from 'vitest'
import { type OnNode, slotUse } from './busy-slots.ts'

const on = (fromMs: number, toMs: number, node = 'n'): OnNode => ({ node, fromMs, toMs })
const limit = (limit: number, atMs = 0, node = 'n') => ({ node, atMs, limit })

const cases = {
  'a slot that is always used': {
    starts: [on(0, 10), on(10, 20)],
    waits: [on(0, 10)],
    limits: [limit(1)],
    want: [10, 10],
  },
  'a slot is idle between two starts': {
    starts: [on(0, 6), on(10, 20)],
    waits: [on(0, 10)],
    limits: [limit(1)],
    want: [6, 10],
  },
  'what nobody is left to use is not idle': {
    starts: [on(0, 10)],
    waits: [on(0, 10)],
    limits: [limit(4)],
    want: [10, 20],
  },
  'time in which nobody waits does not count': {
    starts: [on(0, 100)],
    waits: [on(40, 50)],
    limits: [limit(1)],
    want: [10, 10],
  },
  'more starts than the limit count as the limit': {
    starts: [on(0, 10), on(0, 10)],
    waits: [on(0, 10)],
    limits: [limit(1)],
    want: [10, 10],
  },
  'a limit counts from its step on': {
    starts: [on(0, 20)],
    waits: [on(0, 20), on(0, 20)],
    limits: [limit(1), limit(2, 10)],
    want: [20, 30],
  },
  'a node without a known limit does not count': { starts: [], waits: [on(0, 10)], limits: [], want: [0, 0] },
  'nodes are added up': {
    starts: [on(0, 10, 'm')],
    waits: [on(0, 10), on(0, 10, 'm')],
    limits: [limit(1), limit(1, 0, 'm')],
    want: [10, 20],
  },
}

test.each(Object.entries(cases))('%s', (_, { starts, waits, limits, want }) => {
  const { busyMs, usableMs } = slotUse(starts, waits, limits)
  expect([busyMs, usableMs]).toEqual(want)
})
