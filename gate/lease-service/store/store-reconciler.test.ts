import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { GrantWriter } from './grant-writer.ts'
import { compareWithStore } from './store-reconciler.ts'

/** A writer of so many durable grants, and a store that lists those of `listed`. */
async function compare(
  grants: number,
  listed: (i: number) => boolean,
  endedMeanwhile: (i: number) => boolean,
  storedAnew: (i: number) => boolean = () => false,
) {
  const durable = new Map(Array.from({ length: grants }, (_, i) => [`start.${i}.1`, 'before']))
  let copies = 0
  const writer = {
    durableUids: () => {
      copies++
      return new Map(durable)
    },
    knows: (key: string) => durable.has(key),
    forget: (key: string) => void durable.delete(key),
  } as unknown as GrantWriter
  const deleted = await compareWithStore({
    store: {
      async list() {
        const keys = [...durable.keys()].filter((_, i) => listed(i))
        for (const [i, key] of [...durable.keys()].entries()) {
          if (endedMeanwhile(i)) durable.delete(key)
          if (storedAnew(i)) durable.set(key, 'anew')
        }
        const stored = keys.map(key => ({ grant: { key } as never, version: { uid: key, resourceVersion: '1' } }))
        return { stored, foreign: [] }
      },
      put: async () => ({ uid: '', resourceVersion: '' }),
      remove: async () => true,
    },
    writer,
    isCounted: () => true,
    confirmTerm: async () => true,
    isStopped: () => false,
    log: pino({ level: 'silent' }),
  })
  return { deleted, copies }
}

test('a Lease that somebody deleted is told of, one that ended during the list is not', async () => {
  const { deleted } = await compare(
    3,
    i => i === 0,
    i => i === 1,
  )
  expect(deleted).toEqual(['start.2.1'])
})

test('neither is one that ended and was stored anew under the same key', async () => {
  const everyTime = () => true
  const { deleted } = await compare(1, () => false, everyTime, everyTime)
  expect(deleted).toEqual([])
})

test('thousands that ended during the list cost no copy of all keys each', async () => {
  const { deleted, copies } = await compare(
    2_000,
    i => i >= 500,
    i => i < 500,
  )
  expect(deleted).toEqual([])
  expect(copies).toBeLessThanOrEqual(2)
})
