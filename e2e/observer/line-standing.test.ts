import { expect, test } from 'vitest'
import { stoodInLine, storyOf } from './line-standing.ts'

const line = (second: number, rest: object) => JSON.stringify({ time: second * 1_000, ...rest })
const waiting = (second: number) => line(second, { msg: 'waiting', place: 3, of: 9, reason: '6 of 6 slots in use' })
const lost = (second: number) => line(second, { msg: 'waiting', reason: 'the connection was closed' })
const granted = (second: number) => line(second, { msg: 'granted', verdict: 'granted' })

const AWAY_FROM_25_TO_30 = storyOf([lost(1), waiting(2), lost(25), lost(26), waiting(30), granted(50), ''].join('\n'))

test('a log says when its gate stood in line', () => {
  expect(AWAY_FROM_25_TO_30).toEqual({
    standings: [
      { fromMs: 2_000, toMs: 25_000 },
      { fromMs: 30_000, toMs: 50_000 },
    ],
    grantedAtMs: 50_000,
  })
})

const cases = {
  'before it was in line': { at: 1, want: false },
  'in line': { at: 10, want: true },
  'in line, and granted itself soon after': { at: 46, want: false },
  away: { at: 27, want: false },
  'just back': { at: 30.5, want: false },
  'back again': { at: 32, want: true },
  'in line, as far as it knows, soon after a fault': { at: 10, faultsAtMs: [8_000], want: false },
  'in line, and told so since the fault': { at: 35, faultsAtMs: [29_000], want: true },
  'in line long after a fault': { at: 19.5, faultsAtMs: [4_000], want: true },
}

test.each(Object.entries(cases))('%s', (_, { at, want, ...rest }) => {
  const later = storyOf(granted(at))
  expect(stoodInLine(AWAY_FROM_25_TO_30, later, 'faultsAtMs' in rest ? rest.faultsAtMs : [])).toBe(want)
})

test('what counts is when the later one was decided on, not when that was stored', () => {
  const later = storyOf(line(34, { msg: 'granted', storedMs: 3_500 }))
  expect(stoodInLine(AWAY_FROM_25_TO_30, later)).toBe(false)
  expect(stoodInLine(AWAY_FROM_25_TO_30, { ...later, storedMs: 1_000 })).toBe(true)
})

test('who does not say when it was granted is not excused', () => {
  expect(stoodInLine(AWAY_FROM_25_TO_30, storyOf(''))).toBe(true)
})

test('a grant that is the first word to one who has come back may be from before; to one who is new it is not', () => {
  const cameBack = storyOf([waiting(2), lost(8), granted(10)].join('\n'))
  const stayed = storyOf([waiting(2), granted(10)].join('\n'))
  const isNew = storyOf([lost(9), granted(10)].join('\n'))
  expect([cameBack, stayed, isNew].map(later => stoodInLine(AWAY_FROM_25_TO_30, later))).toEqual([false, true, true])
})
