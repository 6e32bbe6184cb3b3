import { pino } from 'pino'
import { expect, test } from 'vitest'
import { keepLeading } from './keep-leading.ts'

function elected(startLeading: (term: number) => Promise<void>) {
  const world = { isLeader: true, isLeading: false, started: [] as number[] }
  const lead = keepLeading({
    service: () => ({
      isLeading: world.isLeading,
      startLeading: async term => {
        world.started.push(term)
        await startLeading(term)
      },
    }),
    elector: () => ({ isLeader: () => world.isLeader, term: () => 7 }),
    log: pino({ level: 'silent' }),
  })
  return { world, lead }
}

test('a start that failed is tried again', async () => {
  const { world, lead } = elected(async () => {
    throw new Error('no answer')
  })
  await lead()
  await lead()
  expect(world.started).toEqual([7, 7])
})

test('one start at a time', async () => {
  const read = Promise.withResolvers<void>()
  const { world, lead } = elected(() => read.promise)
  const calls = [lead(), lead()]
  expect(world.started).toEqual([7])
  read.resolve()
  await Promise.all(calls)
  expect(world.started).toEqual([7])
})

test('neither who leads already nor who is not elected starts', async () => {
  const { world, lead } = elected(async () => undefined)
  world.isLeading = true
  await lead()
  Object.assign(world, { isLeading: false, isLeader: false })
  await lead()
  expect(world.started).toEqual([])
})
