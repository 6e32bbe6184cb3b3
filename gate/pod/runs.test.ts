import { expect, test } from 'vitest'
import { PULL_GATE, START_GATE } from '../../core/names.ts'
import { attemptOf, isLostIn, parseRuns } from './runs.ts'

const cases: Record<string, { gate: typeof PULL_GATE | typeof START_GATE; pull: number; start: number; want: number }> =
  {
    'the first gate of a new pod': { gate: PULL_GATE, pull: 0, start: 0, want: 1 },
    'the start gate after the pull gate': { gate: START_GATE, pull: 1, start: 0, want: 1 },
    'the start gate of a pod without a pull gate': { gate: START_GATE, pull: 0, start: 0, want: 1 },
    'the pull gate after the sandbox was made anew': { gate: PULL_GATE, pull: 1, start: 1, want: 2 },
    'the start gate after it': { gate: START_GATE, pull: 2, start: 1, want: 2 },
    'the start gate without a pull gate, second run': { gate: START_GATE, pull: 0, start: 1, want: 2 },
    'a sandbox that died between the two gates': { gate: START_GATE, pull: 2, start: 0, want: 2 },
  }
test.each(Object.entries(cases))('%s', (_, { gate, pull, start, want }) => {
  expect(attemptOf(gate, { pull, start })).toBe(want)
})

test.each([
  ['no gate has failed open', 1, undefined, false],
  ['an earlier gate of this run has', 1, '1\n', true],
  ['one of the run before, whose sandbox is gone, has', 2, '1\n', false],
  ['nobody knows what', 1, 'x', false],
])('contact is lost when an earlier gate of the run has failed open: %s', (_, attempt, marker, want) => {
  expect(isLostIn(attempt, marker)).toBe(want)
})

test.each([
  [undefined, 0],
  ['', 0],
  ['2\n', 2],
  ['-1', 0],
  ['x', 0],
  ['1.5', 0],
])('a marker %j counts %i runs', (text, want) => {
  expect(parseRuns(text)).toBe(want)
})
