import { expect, test } from 'vitest'
import { isDaemonUp, type PidFileFacts, pidIn } from './pid-file.ts'

const cases: Record<string, { facts: PidFileFacts; want: boolean }> = {
  'a live process': { facts: { text: '42\n', writtenAtMs: 2_000, processState: 'S' }, want: true },
  'a process that cannot be seen from here, in a fresh file': {
    facts: { text: '42\n', writtenAtMs: 2_000 },
    want: true,
  },
  'no file': { facts: {}, want: false },
  'a file being written': { facts: { text: '', writtenAtMs: 2_000 }, want: false },
  'a file of the run before': { facts: { text: '42\n', writtenAtMs: 999 }, want: false },
  'no such process': { facts: { text: '42\n', writtenAtMs: 2_000, processState: 'none' }, want: false },
  'a zombie': { facts: { text: '42\n', writtenAtMs: 2_000, processState: 'Z' }, want: false },
}
test.each(Object.entries(cases))('%s', (_, { facts, want }) => {
  expect(isDaemonUp(facts, 1_000)).toBe(want)
})

test.each([
  ['42\n', 42],
  ['  42  \n/var/lib/pg\n5432\n', 42],
  ['0', undefined],
  ['-1', undefined],
  ['4 2', undefined],
  ['0x2a', undefined],
  ['', undefined],
  [undefined, undefined],
])('%j names process %j', (text, want) => {
  expect(pidIn(text)).toBe(want)
})
