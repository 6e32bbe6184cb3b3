import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AutoState, advanceAuto, newAuto } from './controller.ts'
import { madeSample, type SampleParts } from './testing/made-samples.ts'

const BOUNDS = { first: 4, max: 64 }
const BUSY = { busy: 0.97, runnable: 4 }

/** `seconds` samples, one a second, all alike; slots are held as far as the limit goes. */
function later(state: AutoState, seconds: number, parts: SampleParts): AutoState {
  let now = state
  for (let i = 0; i < seconds; i += 1)
    now = advanceAuto(now, madeSample({ ...parts, nowMs: now.seenAtMs + 1_000 }, now.limit), BOUNDS)
  return now
}

const fresh = newAuto(BOUNDS, 0)
const limits = (...states: AutoState[]) => states.map(({ limit }) => limit)

describe('a limit grows', () => {
  test('many times over while the node idles, a second after its starts have shown', () => {
    expect(limits(later(fresh, 1, {}), later(fresh, 2, {}), later(fresh, 4, {}))).toEqual([4, 16, 46])
  })

  test('by one for each idle CPU as long as nothing has shown what starts take', () => {
    const grown = later(fresh, 3, { running: 0, figures: { cores: 16 } })
    expect([grown.limit, later(grown, 1, { running: 0, figures: { cores: 16, busy: 0.5 } }).limit]).toEqual([14, 14])
  })

  test('no further than CPUs last if those that do not run yet take what the others take', () => {
    const of = (held: number) => later(fresh, 2, { held, running: 4, figures: { busy: 0.25 } }).limit
    expect([of(4), of(9), of(14)]).toEqual([15, 26, 26])
  })

  test('also while containers are made for those that have just come, whose number is known', () => {
    const of = (asked: number) => later(fresh, 2, { asked, figures: { busy: 0.7, runnable: 8 } }).limit
    expect([of(0), of(12)]).toEqual([4, 6])
  })

  test('hardly for a pause of starts that certainly computed a moment ago', () => {
    const busy = later(fresh, 5, { figures: BUSY })
    expect(limits(later(busy, 2, {}), later(busy, 5, {}), later(busy, 20, {}))).toEqual([5, 6, 32])
  })

  test('not before containers have been seen running, or 5 s have gone', () => {
    expect(limits(later(fresh, 6, { running: 0 }), later(fresh, 7, { running: 0 }))).toEqual([4, 32])
  })

  test('by half of what is free near the full, and not before five samples', () => {
    const figures = { busy: 0.8, runnable: 3 }
    expect(limits(later(fresh, 5, { figures }), later(fresh, 6, { figures }))).toEqual([4, 5])
  })

  test('by what was seen a second ago, at most twice as much, as long as new containers are being made', () => {
    const [idle, making] = [{ busy: 0.05 }, { busy: 0.6, runnable: 4 }]
    expect(later(later(fresh, 2, { figures: idle }), 1, { held: 16, running: 4, figures: making }).limit).toBe(17)
  })

  test('not by the second in which one start makes way for the next', () => {
    let state = newAuto(BOUNDS, 0, 1)
    for (let i = 0; i < 60; i += 1)
      state = later(state, 1, { figures: { cores: 1, runnable: 1, busy: i % 6 === 0 ? 0.3 : 0.97 } })
    expect(state.limit).toBe(1)
  })

  const nobody: Record<string, SampleParts> = {
    'nobody waits': { isShort: false },
    'CPUs are busy': { figures: BUSY },
    'tasks wait for a CPU': { figures: { busy: 0.4, runnable: 6 } },
    'CPUs are idle for the disk': { figures: { ioWait: 0.5 } },
    'all that has work waits for the disk': { figures: { stalled: { io: 60 } } },
    'tasks wait for memory': { figures: { pressure: { memory: 15 } } },
  }
  test.each(Object.entries(nobody))('not when %s', (_, parts) => {
    expect(later(fresh, 30, parts).limit).toBeLessThanOrEqual(4)
  })
})

describe('a limit is cut', () => {
  test('to the fewest whose tasks still keep the CPUs busy', () => {
    const of = (limit: number, runnable: number, seconds: number) =>
      later(newAuto(BOUNDS, 0, limit), seconds, { held: limit, running: limit, figures: { busy: 1, runnable } }).limit
    expect([of(8, 16, 4), of(8, 16, 30), of(16, 160, 60), of(4, 4, 60)]).toEqual([5, 3, 1, 4])
  })

  test('not for tasks of others while slots are free', () => {
    expect(later(fresh, 30, { held: 1, isShort: false, figures: { busy: 1, runnable: 29 } }).limit).toBe(4)
  })

  const harms = ['timedOut', 'killed', 'oomKilled'] as const
  test.each(harms)('when starts fail on a busy node (%s), and then it does not grow for a while', harm => {
    const busy = later(newAuto(BOUNDS, 0, 10), 3, { figures: BUSY })
    const cut = later(busy, 1, { figures: BUSY, ended: { [harm]: 3 } })
    expect(limits(cut, later(cut, 29, {}), later(cut, 30, {}))).toEqual([7, 7, 56])
    expect(cut.reason).toMatch(/^CPU 97 % busy, (starts time out|containers )/)
  })

  test('once in ten seconds at most, whatever comes meanwhile', () => {
    const failing = { figures: BUSY, ended: { timedOut: 1 } }
    const from = newAuto(BOUNDS, 0, 20)
    expect(limits(later(from, 1, failing), later(from, 10, failing), later(from, 11, failing))).toEqual([14, 14, 9])
  })

  test('not when one fails on a node with room: the reason is its own', () => {
    expect(later(fresh, 1, { isShort: false, ended: { timedOut: 1, killed: 1, oomKilled: 1 } }).limit).toBe(4)
  })

  test('when a pod is evicted', () => {
    expect(later(newAuto(BOUNDS, 0, 10), 1, { ended: { evicted: 1 } }).limit).toBe(7)
  })

  test('for memory pressure down to one, for a full disk to two: it needs one that asks while another is served', () => {
    const from = newAuto(BOUNDS, 0, 10)
    const memory = later(from, 90, { figures: { pressure: { memory: 40 } } })
    const disk = later(from, 90, { figures: { stalled: { io: 95 } } })
    expect(limits(memory, disk)).toEqual([1, 2])
    expect(memory.reason).toBe('CPU 5 % busy, short of memory')
  })

  test('once only for what does not show yet, as slots that are held cannot be taken back', () => {
    const stuck = { held: 10, figures: { stalled: { io: 95 } } }
    expect(later(newAuto(BOUNDS, 0, 10), 60, stuck).limit).toBe(7)
  })

  test('when less is finished than under the lower limit before', () => {
    const slow = { figures: { busy: 1, runnable: 4 } }
    const few = later(fresh, 20, { ...slow, ended: { finished: 2 } })
    const more = later({ ...few, limit: 4 }, 6, { figures: { busy: 0.8, runnable: 3 }, ended: { finished: 2 } })
    const worse = later(more, 40, { ...slow, ended: { finished: 1 } })
    expect(limits(few, more, worse)).toEqual([4, 5, 3])
  })
})

test('what a herd found is at most the usual number after a minute of rest, as the next may be of another kind', () => {
  const grown = later(fresh, 10, {})
  const next = (restMs: number) => advanceAuto(grown, madeSample({ nowMs: grown.seenAtMs + restMs }, 64), BOUNDS).limit
  expect([next(59_000), next(61_000)]).toEqual([64, 4])
  const low = newAuto(BOUNDS, 0, 2)
  expect(advanceAuto(low, madeSample({ nowMs: 61_000, figures: BUSY }, 2), BOUNDS).limit).toBe(2)
})

test('what was learned is kept within the bounds of now', () => {
  expect(limits(newAuto(BOUNDS, 0, 1_000), newAuto({ first: 9, max: 3 }, 0), newAuto(BOUNDS, 0, 0))).toEqual([64, 3, 1])
})

const part = fc.double({ min: 0, max: 1, noNaN: true })
const percent = fc.double({ min: 0, max: 100, noNaN: true })
const count = fc.nat(5)
const samples = fc.array(
  fc.record({
    figures: fc.record({
      cores: fc.constantFrom(1, 2, 64),
      busy: part,
      ioWait: part,
      runnable: fc.nat(500),
      pressure: fc.record({ cpu: percent, io: percent, memory: percent }, { requiredKeys: [] }),
      stalled: fc.record({ io: percent, memory: percent }, { requiredKeys: [] }),
    }),
    held: fc.nat(100),
    running: fc.nat(100),
    asked: fc.nat(50),
    isShort: fc.boolean(),
    ended: fc.record({ finished: count, timedOut: count, killed: count, oomKilled: count, evicted: count }),
    gapMs: fc.constantFrom(900, 1_000, 1_100, 5_000, 70_000),
  }),
  { maxLength: 60 },
)

test('property: a whole number from 1 to the maximum, by at most what growth and a cut allow, the same each time', () => {
  fc.assert(
    fc.property(samples, fc.integer({ min: 1, max: 300 }), (all, max) => {
      const run = (): number[] => {
        let state = newAuto({ first: 4, max }, 0)
        return all.map(({ gapMs, ...sample }) => {
          const nowMs = state.seenAtMs + gapMs
          state = advanceAuto(state, { ...sample, nowMs }, { first: 4, max })
          return state.limit
        })
      }
      const seen = run()
      for (const limit of seen) {
        expect(Number.isInteger(limit)).toBe(true)
        expect(limit).toBeGreaterThanOrEqual(1)
        expect(limit).toBeLessThanOrEqual(max)
      }
      expect(run()).toEqual(seen)
    }),
  )
})

test('figures that are no numbers hold or cut, and never let everything go', () => {
  const wrong = { busy: Number.NaN, ioWait: Number.NaN, runnable: Number.NaN, cores: Number.NaN }
  expect(later(fresh, 20, { figures: wrong }).limit).toBeLessThanOrEqual(4)
})
