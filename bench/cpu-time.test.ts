import { expect, test } from 'vitest'
import { cpuSecondsIn } from './cpu-time.ts'

test('what others had, what was idle and what counts twice is left out', () => {
  const stat = 'cpu  1000 200 300 9000 500 40 60 7000 80 90\ncpu0 1 1 1 1 1 1 1 1 1 1\nprocs_running 3\n'
  expect(cpuSecondsIn(stat)).toBe(16)
})
