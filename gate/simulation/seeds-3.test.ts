import { expect, test } from 'vitest'
import { runPart } from './seeds.ts'

// Long, and longer still while a cluster runs beside it.
test('whatever happens, no limit is broken, no gate is forgotten and no slot is lost: part 3', {
  timeout: 1_800_000,
}, async () => {
  const { failure, missing, situations } = await runPart(3, process.env)
  console.info(situations)
  expect(failure).toBeUndefined()
  expect(missing).toEqual([])
})
