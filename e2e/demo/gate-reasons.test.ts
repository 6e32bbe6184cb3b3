import { expect, test } from 'vitest'
import { reasonIn } from './gate-reasons.ts'

test.each([
  ['{"msg":"waiting","place":3,"of":9,"reason":"start: 2 of 2 are starting"}', 'place 3 of 9: 2 of 2 are starting'],
  ['{"msg":"waiting","reason":"no answer yet"}', 'no answer yet'],
  ['{"msg":"granted"}', undefined],
  ['', undefined],
  ['not JSON', undefined],
])('in %s', (line, want) => {
  expect(reasonIn(line)).toBe(want)
})
