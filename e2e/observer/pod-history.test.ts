import { expect, test } from 'vitest'
import { podEvent } from './made-events.ts'
import { foldHistory, readyTimes } from './pod-history.ts'

const events = [
  podEvent(4, { shown: [{ since: 2, ready: true }] }),
  podEvent(1, { shown: [] }),
  podEvent(2, { shown: [{ since: 2 }] }),
  podEvent(3, { shown: [{ since: 2 }] }),
  podEvent(5, { pod: 'b', shown: [{ since: 5 }] }),
  podEvent(6, { pod: 'b', shown: [{ since: 5 }] }, 'DELETED'),
]

test('tells the phases of each pod in order, each once', () => {
  const history = foldHistory(events, 'test')
  expect(history.a?.map(s => [s.phase, s.fromMs, s.toMs])).toEqual([
    ['pulling', 1000, 2000],
    ['starting', 2000, 4000],
    ['ready', 4000, undefined],
  ])
  expect(history.b?.map(s => [s.phase, s.toMs])).toEqual([['starting', 6000]])
  expect(readyTimes(history)).toEqual([4000])
})

test('knows nothing of other namespaces', () => {
  expect(foldHistory(events, 'other')).toEqual({})
})
