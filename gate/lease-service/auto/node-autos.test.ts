import { expect, test } from 'vitest'
import { type AutoFacts, NodeAutos } from './node-autos.ts'
import { madeSample } from './testing/made-samples.ts'

const BOUNDS = { first: 4, max: 64 }
const BUSY = { busy: 0.97, runnable: 4 }

function madeNode() {
  const autos = new NodeAutos()
  autos.setNode('n', { kind: '2 cores', cores: 2 })
  /** One tick of the leader, with figures or without. */
  const tick = (nowMs: number, figures?: Parameters<typeof madeSample>[0]['figures']) => {
    const limit = autos.at('n')?.limit ?? BOUNDS.first
    const sample = madeSample({ nowMs, ...(figures && { figures }) }, limit)
    if (figures) autos.take('n', sample.figures)
    autos.advance(nowMs, (): AutoFacts => ({ ...sample, bounds: BOUNDS }))
    return autos.at('n')
  }
  return { autos, tick }
}

test('starts that were killed or evicted while nobody waited cut nothing when the next herd comes', () => {
  const { autos, tick } = madeNode()
  const failed = { killed: 5, timedOut: 2, evicted: 1 }
  autos.noteEnded('n', failed, 'shop')
  expect(tick(1_000, BUSY)?.limit).toBe(4)
  for (let ms = 2_000; ms <= 5_000; ms += 1_000) tick(ms, BUSY)
  autos.noteEnded('n', failed, 'shop')
  expect(tick(100_000, BUSY)).toEqual({ limit: 4, reason: 'CPU 97 % busy' })
  autos.noteEnded('n', failed, 'shop')
  expect(tick(101_000, BUSY)).toEqual({ limit: 2, reason: 'CPU 97 % busy, pods are evicted' })
})

test('figures that come each 5 s, as where thousands of nodes tell, are no gap', () => {
  const { tick } = madeNode()
  const reasons = new Set<string | undefined>()
  let limit = 0
  for (let second = 1; second <= 60; second += 1) {
    const shown = tick(second * 1_000, second % 5 === 0 ? { busy: 0.2 } : undefined)
    limit = shown?.limit ?? 0
    if (second > 10) reasons.add(shown?.reason)
  }
  expect(limit).toBe(64)
  expect([...reasons]).toEqual(['CPU 20 % busy'])
})

test('what fails for ever in one namespace cuts what others have there for half of the time at most', () => {
  const { autos, tick } = madeNode()
  const limits: number[] = []
  for (let second = 1; second <= 1_200; second += 1) {
    autos.noteEnded('n', { evicted: 1 }, 'shop')
    limits.push(tick(second * 1_000, { busy: 0.1 })?.limit ?? 0)
  }
  expect([limits[250], limits[500], limits[850], limits[1_100]]).toEqual([1, 64, 1, 64])
})

test.each([2, 3, 12, 40])('what fails by turns in %i namespaces cuts for half of the time at most', count => {
  const { autos, tick } = madeNode()
  let cut = 0
  for (let second = 1; second <= 20_000; second += 1) {
    // Each fails for as long as its harm counts.
    autos.noteEnded('n', { evicted: 1 }, `shop-${Math.floor(second / 300) % count}`)
    if ((tick(second * 1_000, { busy: 0.1 })?.limit ?? 0) < 64) cut += 1
  }
  expect(cut / 20_000).toBeGreaterThan(0.2)
  expect(cut / 20_000).toBeLessThan(0.55)
})

test('what fails in one namespace for ever leaves that of another counting', () => {
  const { autos, tick } = madeNode()
  for (let second = 1; second <= 500; second += 1) {
    autos.noteEnded('n', { evicted: 1 }, 'shop')
    if (second > 400) autos.noteEnded('n', { evicted: 1 }, 'bank')
    tick(second * 1_000, { busy: 0.1 })
    if (second === 400) expect(autos.at('n')?.limit).toBe(64)
  }
  expect(autos.at('n')?.limit).toBe(1)
})
