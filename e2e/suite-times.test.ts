import { expect, test } from 'vitest'
import { countOf } from './suite-times.ts'

const cases: Record<string, { tests: string[]; file: string; want: { passed: number; failed: number } }> = {
  'all passed': { tests: ['passed', 'passed'], file: 'passed', want: { passed: 2, failed: 0 } },
  'one failed': { tests: ['passed', 'failed'], file: 'failed', want: { passed: 1, failed: 1 } },
  'a skipped test shows nothing': { tests: ['passed', 'skipped'], file: 'passed', want: { passed: 1, failed: 1 } },
  'a test that never ended': { tests: ['passed', 'pending'], file: 'pending', want: { passed: 1, failed: 1 } },
  'a file that did not load': { tests: [], file: 'failed', want: { passed: 0, failed: 1 } },
  'a file without tests': { tests: [], file: 'passed', want: { passed: 0, failed: 1 } },
  'a hook failed after all tests had passed': { tests: ['passed'], file: 'failed', want: { passed: 1, failed: 1 } },
}

test.each(Object.entries(cases))('%s', (_, { tests, file, want }) => {
  expect(countOf(tests, file)).toEqual(want)
})
