import { expect, test } from 'vitest'
import { readVerdict } from './gate-verdict.ts'

const LONG = 'a'.repeat(5_000)

test.each([
  ['{"verdict":"granted","waitedMs":5,"attempt":2,"storedMs":1}', { verdict: 'granted', waitedMs: 5, attempt: 2 }],
  [
    '{"verdict":"failed-open","waitedMs":5,"reason":"no answer"}',
    { verdict: 'failed-open', waitedMs: 5, reason: 'no answer' },
  ],
  ['{"attempt":3}', { attempt: 3 }],
  ['{"verdict":"other","waitedMs":"5","reason":5,"attempt":null}', {}],
  ['[]', {}],
  ['null', undefined],
  ['x', undefined],
  [undefined, undefined],
  [`{"verdict":"granted","reason":"${LONG}"}`, undefined],
])('what a gate left, whatever it is: %.60s', (message, want) => {
  expect(readVerdict(message)).toEqual(want)
})
