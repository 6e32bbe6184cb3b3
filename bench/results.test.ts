import { expect, test } from 'vitest'
import { resultText } from './results.ts'

test('a result is JSON with a line for each run', () => {
  const machine = {
    ...{ cores: 2, cpu: 'a "fast" one', memoryGib: 24, kernel: '6', kubernetes: 'v1', containerRuntime: 'c' },
    ...{ node: 'v24', startgate: 'abc' },
  }
  const result = { title: 'some', at: 'now', machine, runs: [{ round: 1 }, { round: 2 }] }
  const text = resultText(result)
  expect(JSON.parse(text)).toEqual(result)
  expect(text.split('\n').filter(line => line.includes('round'))).toHaveLength(2)
})
