import { expect, test } from 'vitest'
import { orderLine, pullFigures, startFigures } from './figures.ts'
import type { Measured } from './herd.ts'
import { broken } from './summary.ts'

const LIMIT = 2
const base = { pods: 16, shownMs: 60_150, starting: 16, pulling: 8, starts: new Map() }
const ungated: Measured = { ...base, ready: 0, restarts: 32 }
const gated: Measured = { ...base, ready: 16, restarts: 0, allReadyMs: 52_340, starting: 2, pulling: 2 }

test('the starts, without and with startgate', () => {
  const figures = startFigures({ ungated, gated }, LIMIT)
  expect(figures.map(f => [f.what, f.ungated, f.gated])).toEqual([
    ['pods ready', '0 of 16', '16 of 16'],
    ['restarts', '32', '0'],
    ['last one ready after', 'not in 60 s', '52.3 s'],
    ['starting at once', '16', '2'],
  ])
  expect(broken(figures)).toEqual([])
})

const { allReadyMs: _, ...neverReady } = gated
test.each<[string, { ungated?: Partial<Measured>; gated?: Measured }, string]>([
  ['restarts', { gated: { ...gated, restarts: 1 } }, 'containers were restarted with startgate'],
  ['pods that never are ready', { gated: { ...neverReady, ready: 15 } }, 'not all became ready with startgate'],
  ['one over the limit', { gated: { ...gated, starting: 3 } }, 'the limit did not hold: starting at once'],
  [
    'a herd that needs no startgate',
    { ungated: { ready: 16 } },
    'without startgate all became ready too: nothing was shown',
  ],
])('a run breaks its promise with %s', (_name, change, want) => {
  const pair = { ungated: { ...ungated, ...change.ungated }, gated: change.gated ?? gated }
  expect(broken(startFigures(pair, LIMIT))).toEqual([want])
})

test('pulls break their promise over the limit, and when a pod gets no image', () => {
  const all = { ...ungated, ready: 16, allReadyMs: 9_000 }
  expect(broken(pullFigures({ ungated: all, gated }, LIMIT))).toEqual([])
  expect(broken(pullFigures({ ungated: all, gated: { ...gated, pulling: 3 } }, LIMIT))).toHaveLength(1)
  expect(broken(pullFigures({ ungated, gated }, LIMIT))).toEqual(['not all pods with cold images became ready'])
})

function ordered(a: [number, number], b: [number, number], c: [number, number]): Measured {
  const starts = Object.entries({ a, b, c }).map(([name, [fromMs, toMs]]) => [name, { name, fromMs, toMs }] as const)
  return { ...gated, pods: 3, ready: 3, starts: new Map(starts) }
}

test('A, B, C: B and C begin when A is ready', () => {
  expect(orderLine(ordered([0, 3_000], [3_500, 4_500], [3_000, 4_600]))).toEqual({
    text: 'A, B, C: B began 0.5 s after A was ready, C 0.0 s after',
  })
  expect(orderLine(ordered([0, 3_000], [3_500, 4_500], [2_000, 4_600]))).toEqual({
    text: 'A, B, C: B began 0.5 s after A was ready, C 1.0 s before',
    broken: 'the order A, B, C did not hold',
  })
})

test('A, B, C: one that wrote nothing or is not ready breaks it', () => {
  const good = ordered([0, 3_000], [3_500, 4_500], [3_000, 4_600])
  expect(orderLine({ ...good, ready: 2 }).broken).toBeDefined()
  expect(orderLine({ ...good, starts: new Map([...good.starts].slice(0, 2)) }).broken).toBeDefined()
})
