import { expect, test } from 'vitest'
import { runApart } from './seeds.ts'

// Long, and longer still while a cluster runs beside it.
test('whatever happens, no limit is broken, no gate is forgotten and no slot is lost: part 3', {
  timeout: 1_800_000,
}, async () => {
  const { failure, missing, situations } = await runApart(3, process.env)
  console.info(situations)
  expect(failure).toBeUndefined()
  expect(missing).toEqual([])
})
