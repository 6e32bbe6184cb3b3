import { expect, test } from 'vitest'
import { firstFailure } from './simulation-seeds.ts'

// Long, and longer still while a cluster runs beside it.
test('whatever happens, no limit is broken, no gate is forgotten and no slot is lost: part 4', {
  timeout: 1_800_000,
}, () => {
  expect(firstFailure(4, process.env)).toBeUndefined()
})
