import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Pressure } from '../../../core/pressure.ts'
import { NodePressures, type PressureReporter } from './node-pressure.ts'

const reporter = (podUid: string, nodeName = 'n'): PressureReporter => ({ key: `start.${podUid}.1`, podUid, nodeName })
const first = () => 0
const allowed = { cpu: 60, io: 30 }

describe("a node's own maximum", () => {
  test('replaces the usual one at once, upwards and downwards, and gives way to it again', () => {
    const pressures = new NodePressures(allowed)
    pressures.take('n', 'a', { pressure: { cpu: 70, io: 20 } }, 0)
    const held = (max?: Pressure) => {
      pressures.setMax('n', max)
      return pressures.overloads.get('n')?.resource
    }
    expect([held(), held({ cpu: 80 }), held({ io: 10 }), held({ memory: 1 }), held()]).toEqual([
      'cpu',
      undefined,
      'io',
      undefined,
      'cpu',
    ])
  })

  test('alone concerns no other node: nobody else is asked, nothing else is kept', () => {
    const pressures = new NodePressures()
    const waiting = [reporter('a', 'n'), reporter('b', 'm')]
    expect(pressures.isOn).toBe(false)
    pressures.setMax('n', { cpu: 60 })
    expect([pressures.isOn, pressures.ask(waiting, 0, first)]).toEqual([true, ['start.a.1']])
    for (const nodeName of ['n', 'm']) pressures.take(nodeName, 'x', { pressure: { cpu: 90 } }, 1)
    expect(pressures.figures()).toEqual([['n', { cpu: 90 }]])
    pressures.setMax('n', undefined)
    expect([pressures.isOn, pressures.overloads.size, pressures.figures()]).toEqual([false, 0, []])
  })
})

describe('a node', () => {
  const cases = {
    'at its maximum is not held back': { pressure: { cpu: 60 }, want: undefined },
    'above it is': { pressure: { cpu: 60.01 }, want: { resource: 'cpu', percent: 60.01, maxPercent: 60 } },
    'is held back by any of its resources': {
      pressure: { cpu: 10, io: 31 },
      want: { resource: 'io', percent: 31, maxPercent: 30 },
    },
    'is not held back by what has no maximum': { pressure: { memory: 100 }, want: undefined },
    'whose kernel tells nothing is not held back': { pressure: {}, want: undefined },
  }
  test.each(Object.entries(cases))('%s', (_, { pressure, want }) => {
    const pressures = new NodePressures(allowed)
    pressures.take('n', 'a', { pressure }, 0)
    expect(pressures.overloads.get('n')).toEqual(want)
  })

  test('is let go by the next figure that is low enough, and others are not touched', () => {
    const pressures = new NodePressures(allowed)
    pressures.take('n', 'a', { pressure: { cpu: 90 } }, 0)
    pressures.take('m', 'b', { pressure: { cpu: 90 } }, 0)
    pressures.take('n', 'c', { pressure: { cpu: 20 } }, 1)
    expect(['n', 'm'].filter(name => pressures.overloads.has(name))).toEqual(['m'])
  })

  test('is not let go by one who knows nothing', () => {
    const pressures = new NodePressures(allowed)
    pressures.take('n', 'a', { pressure: { cpu: 90 } }, 0)
    pressures.take('n', 'c', { pressure: {} }, 1)
    expect(pressures.overloads.has('n')).toBe(true)
  })

  test('is let go when its figure was not renewed for 15 s', () => {
    const pressures = new NodePressures(allowed)
    pressures.take('n', 'a', { pressure: { cpu: 90 } }, 0)
    pressures.expire(14_999)
    expect([pressures.overloads.size, pressures.figures()]).toEqual([1, [['n', { cpu: 90 }]]])
    pressures.ask([reporter('a')], 14_999, first)
    pressures.expire(15_000)
    expect([pressures.overloads.size, pressures.figures()]).toEqual([0, [['n', {}]]])
    pressures.expire(29_999)
    expect(pressures.figures()).toEqual([])
  })
})

describe('a node whose CPU pressure is over its maximum', () => {
  const pressed = { pressure: { cpu: 90 } }
  const heldBack = (...busy: (number | undefined)[]): boolean => {
    const pressures = new NodePressures(allowed)
    busy.forEach((part, second) => {
      pressures.take('n', 'a', part === undefined ? pressed : { ...pressed, busy: part }, second * 1_000)
    })
    return pressures.overloads.has('n')
  }
  const cases = {
    'is not held back while its CPUs are not busy: who waits there is at a limit of his own': {
      told: [0.7],
      want: false,
    },
    'is held back while they are': { told: [0.71], want: true },
    'is held back where nobody knows, as by an older gate': { told: [undefined], want: true },
    'keeps what was known when one tells that has measured nothing': { told: [0.2, undefined], want: false },
    'is judged by what is known since': { told: [undefined, 0.2], want: false },
    'is not let go by one idle second': { told: [1, 0], want: true },
    'is let go by some': { told: [1, 0, 0, 0, 0], want: false },
    'is not held back by one busy second': { told: [0.2, 1], want: false },
    'is held back by some': { told: [0.2, ...Array(11).fill(1)], want: true },
  }
  test.each(Object.entries(cases))('%s', (_, { told, want }) => {
    expect(heldBack(...told)).toBe(want)
  })

  test('is held back by disk pressure however idle its CPUs are', () => {
    const pressures = new NodePressures(allowed)
    pressures.take('n', 'a', { pressure: { cpu: 90, io: 31 }, busy: 0.1 }, 0)
    expect(pressures.overloads.get('n')?.resource).toBe('io')
  })

  test('is held back again when what was measured is 15 s old', () => {
    const pressures = new NodePressures(allowed)
    pressures.take('n', 'a', { ...pressed, busy: 0.1 }, 0)
    for (const nowMs of [5_000, 10_000, 14_999]) pressures.take('n', 'b', pressed, nowMs)
    expect(pressures.overloads.has('n')).toBe(false)
    pressures.take('n', 'b', pressed, 15_000)
    expect(pressures.overloads.has('n')).toBe(true)
  })
})

describe('a node with a waiter', () => {
  const told = (cpu: number) => ({ pressure: { cpu }, busy: 1 })

  test('is judged by its word, whatever gates say, and none of them is asked', () => {
    const pressures = new NodePressures(allowed)
    pressures.takeFigures('n', told(90), 0)
    pressures.take('n', 'a', told(10), 4_999)
    expect([pressures.overloads.has('n'), pressures.ask([reporter('a')], 4_999, first)]).toEqual([true, []])
    pressures.takeFigures('n', told(10), 5_000)
    pressures.take('n', 'a', told(90), 5_001)
    expect(pressures.overloads.has('n')).toBe(false)
  })

  test('that says nothing any more is judged by what gates say, which are asked again', () => {
    const pressures = new NodePressures(allowed)
    pressures.takeFigures('n', told(90), 0)
    expect(pressures.ask([reporter('a')], 5_000, first)).toEqual(['start.a.1'])
    pressures.take('n', 'a', told(10), 5_000)
    expect(pressures.overloads.has('n')).toBe(false)
  })

  test('that says nothing any more is held back for 15 s', () => {
    const pressures = new NodePressures(allowed)
    pressures.takeFigures('n', told(90), 0)
    pressures.expire(14_999)
    expect(pressures.overloads.has('n')).toBe(true)
    pressures.expire(15_000)
    expect(pressures.overloads.has('n')).toBe(false)
  })
})

describe('who is asked', () => {
  test('one of each node, when its figure is 5 s old', () => {
    const pressures = new NodePressures(allowed)
    const waiting = [reporter('a'), reporter('b'), reporter('c', 'm')]
    pressures.take('n', 'b', { pressure: { cpu: 1 } }, 0)
    expect(pressures.ask(waiting, 0, first)).toEqual(['start.c.1'])
    expect(pressures.ask(waiting, 4_999, first)).toEqual([])
    // The same one again: its token is known.
    expect(pressures.ask(waiting, 5_000, first)).toEqual(['start.b.1', 'start.c.1'])
  })

  test('somebody else, when the one who was asked has not answered or is gone', () => {
    const pressures = new NodePressures(allowed)
    const waiting = [reporter('a'), reporter('b')]
    expect(pressures.ask(waiting, 0, first)).toEqual(['start.a.1'])
    expect(pressures.ask(waiting, 5_000, () => 0.9)).toEqual(['start.b.1'])
    pressures.take('n', 'b', { pressure: { cpu: 1 } }, 5_100)
    expect(pressures.ask([reporter('a'), reporter('c')], 10_100, () => 0.9)).toEqual(['start.c.1'])
    pressures.take('n', 'a', { pressure: { cpu: 1 } }, 10_200)
    expect(pressures.ask(waiting, 15_200, () => 0.9)).toEqual(['start.a.1'])
    expect(pressures.ask(waiting, 20_200, () => 0.9)).toEqual(['start.b.1'])
  })

  test('nobody, when the chart allows everything', () => {
    const pressures = new NodePressures({})
    pressures.take('n', 'a', { pressure: { cpu: 100 } }, 0)
    expect([pressures.isOn, pressures.ask([reporter('a')], 9_000, first), pressures.figures()]).toEqual([false, [], []])
  })

  test('on many nodes each is asked less often, and its figure lives longer', () => {
    const pressures = new NodePressures(allowed)
    const waiting = Array.from({ length: 1_000 }, (_, i) => reporter(`p${i}`, `n${i}`))
    expect(pressures.ask(waiting, 0, first)).toHaveLength(1_000)
    for (const { nodeName, podUid } of waiting) pressures.take(nodeName, podUid, { pressure: { cpu: 90 } }, 10)
    expect(pressures.ask(waiting, 20_000, first)).toEqual([])
    pressures.expire(59_000)
    expect([pressures.ask(waiting, 20_010, first).length, pressures.overloads.size]).toEqual([1_000, 1_000])
  })
})

test('however many wait and for how long, fifty figures a second are asked for at most, after one for each node', () => {
  const herd = fc.record({ nodes: fc.integer({ min: 1, max: 2_000 }), seconds: fc.integer({ min: 1, max: 120 }) })
  fc.assert(
    fc.property(herd, fc.boolean(), ({ nodes, seconds }, answers) => {
      const pressures = new NodePressures(allowed)
      const waiting = Array.from({ length: nodes }, (_, i) => reporter(`p${i}`, `n${i}`))
      let asked = 0
      for (let second = 0; second < seconds; second++) {
        const keys = pressures.ask(waiting, second * 1_000, first)
        asked += keys.length
        if (answers)
          for (const key of keys)
            pressures.take(`n${key.split('.')[1]?.slice(1)}`, key, { pressure: { cpu: 1 } }, second * 1_000)
        pressures.expire(second * 1_000)
      }
      expect(asked).toBeLessThanOrEqual(nodes + 50 * seconds)
    }),
    { numRuns: 30 },
  )
})
