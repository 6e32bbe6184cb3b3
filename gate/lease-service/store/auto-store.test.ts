import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Learned, LearnedLimits } from '../auto/learned.ts'
import { readLearned, shardsOf, textOf } from './auto-codec.ts'
import { createAutoStore } from './auto-store.ts'
import { MemoryLeaseApi } from './lease-store.memory.ts'

const AT = 1_764_442_800_000

function learnedOf(nodes: Record<string, number>, kinds: Record<string, number> = {}, atMs = AT): LearnedLimits {
  const each = (limits: Record<string, number>) =>
    new Map(Object.entries(limits).map(([name, limit]): [string, Learned] => [name, { limit, atMs }]))
  return { nodes: each(nodes), kinds: each(kinds) }
}

test('what a leader saved the next one loads', async () => {
  const api = new MemoryLeaseApi()
  const learned = learnedOf({ 'worker-1': 3, 'worker-2': 24 }, { 'm5.large': 24 })
  await createAutoStore(api, 'startgate').save(learned)
  expect(await createAutoStore(api, 'startgate').load()).toEqual(learned)
})

test('what is saved already is not written again, and what another leader wrote meanwhile stays', async () => {
  const api = new MemoryLeaseApi()
  const [first, second] = [createAutoStore(api, 'startgate'), createAutoStore(api, 'startgate')]
  await first.save(learnedOf({ a: 1 }))
  const versions = () => [...api.leases.values()].map(lease => lease.metadata.resourceVersion)
  const before = versions()
  await first.save(learnedOf({ a: 1 }))
  expect(versions()).toEqual(before)
  await second.load()
  await second.save(learnedOf({ a: 2 }))
  await first.save(learnedOf({ a: 3 }))
  expect(await second.load()).toEqual(learnedOf({ a: 2 }))
})

test('an API server that does not answer fails a save, and the next one writes all the same', async () => {
  const api = new MemoryLeaseApi()
  const store = createAutoStore(api, 'startgate')
  api.nextFault = 'before'
  await expect(store.save(learnedOf({ a: 1 }))).rejects.toThrow('Timeout')
  await store.save(learnedOf({ a: 1 }))
  expect(await store.load()).toEqual(learnedOf({ a: 1 }))
})

test('a write whose answer was lost is written over by the next save', async () => {
  const api = new MemoryLeaseApi()
  const store = createAutoStore(api, 'startgate')
  api.nextFault = 'after'
  await expect(store.save(learnedOf({ a: 1 }))).rejects.toThrow('Timeout')
  await store.save(learnedOf({ a: 2 }))
  expect(await store.load()).toEqual(learnedOf({ a: 2 }))
})

test('Leases that somebody deleted are written anew', async () => {
  const api = new MemoryLeaseApi()
  const store = createAutoStore(api, 'startgate')
  const nodes = { a: 1, b: 1, c: 1, d: 1, e: 1 }
  await store.save(learnedOf(nodes))
  api.leases.clear()
  const later = learnedOf(nodes, {}, AT + 1_000)
  await expect(store.save(later)).rejects.toThrow()
  await store.save(later)
  expect(await store.load()).toEqual(later)
})

test('a clock that is a millisecond off by now changes nothing of what is written', () => {
  const { nodes } = learnedOf({ a: 1 })
  const textAt = (offMs: number) =>
    textOf([...nodes].map(([key, { limit, atMs }]) => [key, { limit, atMs: atMs + offMs }]))
  expect(textAt(-1)).toBe(textAt(0))
  expect(textAt(1)).toBe(textAt(0))
})

test('each Lease is bounded, and the latest are kept', () => {
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${i}-${'x'.repeat(240)}`, 2]))
  const { nodes } = learnedOf(many)
  const latest = new Map([...nodes, ['latest', { limit: 9, atMs: AT + 1_000 }]])
  const texts = shardsOf({ nodes: latest, kinds: new Map() }, 1).map(textOf)
  expect(texts[0]?.length).toBeLessThan(262_144)
  expect(readLearned(texts).nodes.get('latest')?.limit).toBe(9)
})

test('property: whatever stands there, reading it fails on nothing and gives limits of at least one', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.json())), texts => {
      const { nodes, kinds } = readLearned(texts)
      for (const { limit } of [...nodes.values(), ...kinds.values()]) expect(limit).toBeGreaterThanOrEqual(1)
    }),
  )
  const bad = ['{"n/a":[0,1],"n/b":[1.5,1],"n/c":["2",1],"n/d":[2],"n/e":null,"n/f":[4,5]}', 'null', '[[1,2]]', '{']
  expect(readLearned(bad).nodes).toEqual(new Map([['f', { limit: 4, atMs: 5_000 }]]))
})
