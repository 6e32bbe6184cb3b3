import { expect, test } from 'vitest'
import { HEARTBEAT_MS } from '../../../core/lease-api.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import type { Stream } from '../model/stream.ts'
import { StartedIndex } from '../started/started-index.ts'
import { madeNode, madePod } from '../testing/made-pods.ts'
import { advance } from './term.ts'
import { restOfTellingMs } from './term-decisions.ts'
import type { TermEffect, TermEvent } from './term-events.ts'
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

/** A term in which `count` gates wait through waiters for slots that there are none of. */
function waitingTerm(count: number) {
  const inputs = { term: 1, address: '192.0.2.1:8443', settings: { ...DEFAULT_SETTINGS, node: { maxStarting: 0 } } }
  const state = newTerm(
    { ...inputs, started: new StartedIndex(), findWorkload: () => 'Absent', random: () => 0 },
    { monotonicMs: 0, wallMs: 0 },
  )
  const at = (monotonicMs: number, event: TermEvent) => advance(state, event, { monotonicMs, wallMs: monotonicMs })
  const sentIn = (effects: readonly TermEffect[]): number => effects.filter(({ kind }) => kind === 'send').length
  at(0, { kind: 'node-shown', node: madeNode(), fold: { settings: {}, problems: [] } })
  const streams: Stream[] = []
  for (let i = 0; i < count; i++) {
    const pod = madePod(`pod-${i}`)
    const stream = { nonce: '', isShared: true, isOpen: () => true, send: () => undefined, end: () => undefined }
    at(0, { kind: 'pod-shown', pod })
    streams.push(stream)
    at(0, { kind: 'gate-asks', pod, gate: 'startgate-start', attempt: 1, stream })
  }
  at(0, { kind: 'begin', reservationMs: 0 })
  return {
    state,
    hangUp: (ms: number) => streams.splice(0, 1).map(stream => at(ms, { kind: 'gate-hung-up', stream })),
    /** How many gates a tick sends something. */
    tick: (ms: number): number => sentIn(at(ms, { kind: 'tick', storeFailingForMs: 0 })),
    /** How many gates a step sends something, and when all have been told, of how many people hear that they wait. */
    step(ms: number): { sent: number; waiting?: number } {
      const effects = at(ms, { kind: 'step' })
      const news = effects.flatMap(effect => (effect.kind === 'publish' ? [effect.news] : []))
      const waiting = news.find(each => each.kind === 'waiting')?.rows.length
      return { sent: sentIn(effects), ...(waiting !== undefined && { waiting }) }
    },
  }
}

test('a tick has all who wait told at the next step, but not before the last telling has rested', () => {
  const { state, tick, step } = waitingTerm(501)
  expect(step(1)).toMatchObject({ waiting: 501 })
  expect(step(2).waiting).toBeUndefined()
  tick(1_000)
  expect(step(1_001)).toMatchObject({ waiting: 501 })
  state.tellFromMs = 5_500
  tick(2_000)
  expect(step(2_001).waiting).toBeUndefined()
  tick(6_000)
  expect(step(6_001)).toMatchObject({ waiting: 501 })
})

test('many are told by turns, a part of them at each step', () => {
  const { tick, step } = waitingTerm(2_500)
  // Whoever has just come is told at once.
  expect(step(1)).toEqual({ sent: 2_500 })
  expect([step(2), step(3)]).toEqual([{ sent: 0 }, { sent: 0, waiting: 2_500 }])
  // A heartbeat is due for all: each has it in his turn, and none by the tick.
  expect(tick(HEARTBEAT_MS + 100)).toBe(0)
  expect([
    step(HEARTBEAT_MS + 110),
    step(HEARTBEAT_MS + 120),
    step(HEARTBEAT_MS + 130),
    step(HEARTBEAT_MS + 140),
  ]).toEqual([{ sent: 1_000 }, { sent: 1_000 }, { sent: 500, waiting: 2_500 }, { sent: 0 }])
})

test('people hear nothing of who waits no more when the last have been told', () => {
  const { hangUp, step } = waitingTerm(2_500)
  step(1)
  hangUp(2)
  expect([step(3).waiting, step(4).waiting]).toEqual([undefined, 2_499])
})

test('where no steps come between two ticks, the second has all told that are left', () => {
  const { tick, step } = waitingTerm(2_500)
  step(1)
  tick(HEARTBEAT_MS + 100)
  expect(step(HEARTBEAT_MS + 101)).toEqual({ sent: 1_500, waiting: 2_500 })
  tick(HEARTBEAT_MS + 1_100)
  expect(step(HEARTBEAT_MS + 1_101)).toEqual({ sent: 1_000 })
})

test('a heartbeat is not put off for longer than turns take', () => {
  const { tick, step } = waitingTerm(2_500)
  step(1)
  expect([tick(HEARTBEAT_MS + 100), tick(HEARTBEAT_MS + 1_100), tick(HEARTBEAT_MS + 1_600)]).toEqual([0, 0, 2_500])
})
