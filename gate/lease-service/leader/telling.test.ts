import { expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import { StartedIndex } from '../started/started-index.ts'
import { madeNode, madePod } from '../testing/made-pods.ts'
import { advance } from './term.ts'
import { restOfTellingMs } from './term-decisions.ts'
import type { TermEvent } from './term-events.ts'
import { newTerm } from './term-state.ts'

test.each([
  [0, 1],
  [10_000, 1],
  [20_000, 1],
  [20_001, 2],
  [100_000, 5],
  [1_000_000, 5],
])('where %i wait, all are told where they are each %i s', (waiting, seconds) => {
  const restMs = restOfTellingMs(waiting)
  expect([restMs > (seconds - 1) * 1_000, restMs <= seconds * 1_000]).toEqual([true, true])
})

test('a tick has all who wait told at the next step, but not before the last telling has rested', () => {
  const inputs = { term: 1, address: '192.0.2.1:8443', settings: { ...DEFAULT_SETTINGS, node: { maxStarting: 0 } } }
  const state = newTerm(
    { ...inputs, started: new StartedIndex(), findWorkload: () => 'Absent', random: () => 0 },
    { monotonicMs: 0, wallMs: 0 },
  )
  const at = (monotonicMs: number, event: TermEvent) => advance(state, event, { monotonicMs, wallMs: monotonicMs })
  const tick = { kind: 'tick', storeFailingForMs: 0 } as const
  at(0, { kind: 'node-shown', node: madeNode(), fold: { settings: {}, problems: [] } })
  for (let i = 0; i < 501; i++) {
    const pod = madePod(`pod-${i}`)
    const stream = { nonce: '', isShared: true, isOpen: () => true, send: () => undefined, end: () => undefined }
    at(0, { kind: 'pod-shown', pod })
    at(0, { kind: 'gate-asks', pod, gate: 'startgate-start', attempt: 1, stream })
  }
  at(0, { kind: 'begin', reservationMs: 0 })
  const isToldAt = (ms: number): boolean =>
    at(ms, { kind: 'step' }).some(effect => effect.kind === 'publish' && effect.news.kind === 'waiting')
  expect(isToldAt(1)).toBe(true)
  expect(isToldAt(2)).toBe(false)
  at(1_000, tick)
  expect(isToldAt(1_001)).toBe(true)
  state.tellFromMs = 5_500
  at(2_000, tick)
  expect(isToldAt(2_001)).toBe(false)
  at(6_000, tick)
  expect(isToldAt(6_001)).toBe(true)
})
