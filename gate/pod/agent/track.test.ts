import { describe, expect, test } from 'vitest'
import type { ContainerSight } from '../../../core/lease-api.ts'
import type { Readiness } from '../../../core/readiness.ts'
import { madeSight } from './testing/made-sight.ts'
import { lateAtMs, notified, type ReadyContext, readyAtMs, seen, type Track } from './track.ts'

const rules = { simpleSettleMs: 5_000, wordSettleMs: 500, shownWordSettleMs: 20, startTimeoutMs: 60_000 }
const ended = (id: string, exitCode: number) => madeSight(id, { state: 'terminated', started: false, exitCode })
const says = (state: 'ready' | 'stopping' | 'reloading') => (track: Track, ms: number) =>
  notified(track, { state }, { ms, wallMs: 1_000_000 + ms })
const sees = (sight: ContainerSight) => (track: Track, ms: number) => seen(track, sight, true, ms)
type Happening = [ms: number, (track: Track, ms: number) => Track]
const having = (...happenings: Happening[]): Track => happenings.reduce<Track>((track, [ms, act]) => act(track, ms), {})
const context = (
  type: 'simple' | 'probe' | 'notify' | 'completed',
  more: Partial<ReadyContext> = {},
): ReadyContext => ({
  readiness: { type } as Readiness,
  openedMs: 1_000,
  isAlone: false,
  ...more,
})

describe('a container is ready', () => {
  const cases: Record<string, { track: Track; context: ReadyContext; want: number | undefined }> = {
    'never before its gate is open': {
      track: having([0, says('ready')]),
      context: { readiness: { type: 'notify' }, isAlone: false },
      want: undefined,
    },
    'simple: once it has run for the settle time': {
      track: having([2_000, sees(madeSight('x'))]),
      context: context('simple'),
      want: 7_000,
    },
    'simple: not when it has ended': {
      track: having([2_000, sees(madeSight('x'))], [3_000, sees(ended('x', 1))]),
      context: context('simple'),
      want: undefined,
    },
    'simple: a new run starts over': {
      track: having([2_000, sees(madeSight('x'))], [6_000, sees(madeSight('y'))]),
      context: context('simple'),
      want: 11_000,
    },
    'simple: without contact, from when the kubelet came to the next gate': {
      track: {},
      context: context('simple', { isAlone: true, passedByMs: 3_000 }),
      want: 8_000,
    },
    'probe: by the verdict of the kubelet': {
      track: having([2_000, sees(madeSight('x', { ready: true }))]),
      context: context('probe'),
      want: 1_000,
    },
    'probe: started is not ready': {
      track: having([2_000, sees(madeSight('x'))]),
      context: context('probe', { passedByMs: 3_000 }),
      want: undefined,
    },
    'probe: without contact, after the start timeout and never before the kubelet went on': {
      track: {},
      context: context('probe', { isAlone: true, passedByMs: 3_000 }),
      want: 61_000,
    },
    'notify: once its word has stood': {
      track: having([2_000, says('ready')]),
      context: context('notify'),
      want: 2_500,
    },
    'notify: never by the pod status': {
      track: having([2_000, sees(madeSight('x', { ready: true }))]),
      context: context('notify'),
      want: undefined,
    },
    'notify: a word said again keeps its time': {
      track: having([2_000, says('ready')], [2_400, says('ready')]),
      context: context('notify'),
      want: 2_500,
    },
    'notify: at its word, where its run is shown': {
      track: having([1_500, sees(madeSight('x'))], [2_000, says('ready')], [2_400, says('ready')]),
      context: context('notify'),
      want: 2_020,
    },
    'notify: at its word, when its run is shown after it': {
      track: having([2_000, says('ready')], [2_100, sees(madeSight('x'))]),
      context: context('notify'),
      want: 2_020,
    },
    'notify: not when what is shown after the word is the end of its run': {
      track: having([2_000, says('ready')], [2_100, sees(madeSight('x'))], [2_110, sees(ended('x', 1))]),
      context: context('notify'),
      want: undefined,
    },
    'notify: not when it stops again': {
      track: having([2_000, says('ready')], [2_100, says('stopping')]),
      context: context('notify'),
      want: undefined,
    },
    'notify: by the real server after the temporary one': {
      track: having([2_000, says('ready')], [2_100, says('stopping')], [9_000, says('ready')]),
      context: context('notify'),
      want: 9_500,
    },
    'notify: reloading takes nothing back': {
      track: having([2_000, says('ready')], [3_000, says('reloading')]),
      context: context('notify'),
      want: 2_500,
    },
    'notify: not when the run that said so has ended': {
      track: having([1_500, sees(madeSight('x'))], [2_000, says('ready')], [3_000, sees(ended('x', 1))]),
      context: context('notify'),
      want: undefined,
    },
    'notify: a word before the first sight of its run ends with that run': {
      track: having([1_500, says('ready')], [2_000, sees(madeSight('x'))], [3_000, sees(ended('x', 1))]),
      context: context('notify'),
      want: undefined,
    },
    'notify: not by the word of the run before': {
      track: having(
        [1_500, sees(madeSight('x'))],
        [2_000, says('ready')],
        [4_000, sees(madeSight('y', { startedAtMs: 1_003_000 }))],
      ),
      context: context('notify'),
      want: undefined,
    },
    'notify: not by the word of the run before a pause without an ID': {
      track: having(
        [1_500, sees(madeSight('x'))],
        [2_000, says('ready')],
        [2_500, sees({ state: 'waiting', started: false, ready: false, restartCount: 1 })],
        [9_000, sees(madeSight('y'))],
      ),
      context: context('notify'),
      want: undefined,
    },
    'notify: by a word that the new run said before its status came': {
      track: having(
        [1_500, sees(madeSight('x'))],
        [3_200, says('ready')],
        [4_000, sees(madeSight('y', { startedAtMs: 1_003_000 }))],
      ),
      context: context('notify'),
      want: 3_220,
    },
    'notify: a late word without start times is the earlier run’s': {
      track: having([1_500, sees(madeSight('x'))], [3_200, says('ready')], [8_300, sees(madeSight('y'))]),
      context: context('notify'),
      want: undefined,
    },
    'notify: a word after the earlier run had ended is the next one’s': {
      track: having(
        [1_500, sees(madeSight('x'))],
        [2_000, sees(ended('x', 1))],
        [3_200, says('ready')],
        [9_000, sees(madeSight('y'))],
      ),
      context: context('notify'),
      want: 3_220,
    },
    'notify: after the start timeout, when its word may be lost': {
      track: { ...having([2_000, sees(madeSight('x'))]), mayHaveMissed: true },
      context: context('notify'),
      want: 62_000,
    },
    'notify: a new run’s word cannot have been lost': {
      track: seen({ ...having([2_000, sees(madeSight('x'))]), mayHaveMissed: true }, madeSight('y'), true, 3_000),
      context: context('notify'),
      want: undefined,
    },
    'notify: a new run that started while the agent was away may have spoken unheard': {
      track: seen(
        { ...having([2_000, sees(madeSight('x'))]), mayHaveMissed: true, awayUntilWallMs: 9_000 },
        madeSight('y', { startedAtMs: 8_000 }),
        true,
        3_000,
      ),
      context: context('notify'),
      want: 63_000,
    },
    'completed: when it has exited with 0': {
      track: having([2_000, sees(ended('x', 0))]),
      context: context('completed'),
      want: 1_000,
    },
    'completed: not when it has failed': {
      track: having([2_000, sees(ended('x', 3))]),
      context: context('completed'),
      want: undefined,
    },
    'completed: when the kubelet went on to a later gate': {
      track: {},
      context: context('completed', { passedByMs: 4_000 }),
      want: 4_000,
    },
  }
  test.each(Object.entries(cases))('%s', (_, { track, context: given, want }) => {
    expect(readyAtMs(track, given, rules)).toBe(want)
  })
})

test('what the status shows before the gate opens is of an earlier sandbox, whenever it is shown', () => {
  const stale = madeSight('old', { ready: true })
  let track = seen({}, stale, false, 0)
  track = seen(track, stale, true, 2_000)
  expect(readyAtMs(track, context('probe'), rules)).toBeUndefined()
  expect(track.hasStarted).toBeUndefined()
  expect(readyAtMs(seen(track, madeSight('new', { ready: true }), true, 3_000), context('probe'), rules)).toBe(1_000)
})

test('an extension puts off being late, and never hastens it', () => {
  const extended = (ms: number) => notified({}, { extendMs: ms }, { ms: 2_000, wallMs: 0 })
  expect(lateAtMs({}, 1_000, rules)).toBe(61_000)
  expect(lateAtMs(extended(90_000), 1_000, rules)).toBe(92_000)
  expect(lateAtMs(extended(1_000), 1_000, rules)).toBe(61_000)
})
