import { expect, test } from 'vitest'
import { afterLine, type CompileState, compileText, NOTHING_COMPILED } from './compile-progress.ts'

/** What is shown at 60 s after these lines, the packages counted at 0 s. */
function shownAfter(lines: string[], nowMs = 60_000): string {
  const state = lines.reduce((before: CompileState, line) => afterLine(before, line, 0) ?? before, NOTHING_COMPILED)
  return compileText(state, nowMs)
}

const COUNTED = 'packages to compile: 8'
const packages = (count: number) => Array.from({ length: count }, (_, i) => `k8s.io/api/v${i}`)

test.each<[string, string[], string]>([
  ['before the first line', [], 'counting packages'],
  [
    'while modules come',
    ['go: downloading k8s.io/api v0.37.2', 'go: downloading k8s.io/utils v0.0.1'],
    'fetching Go modules, 2 so far',
  ],
  ['before the first package', [COUNTED], '0 of 8 packages compiled, 0 %'],
  ['in the middle', [COUNTED, ...packages(2)], '2 of 8 packages compiled, 25 %, about 3 min left'],
  ['near the end', [COUNTED, ...packages(7)], '7 of 8 packages compiled, 87 %, about 10 s left'],
  ['at the end', [COUNTED, ...packages(8)], '8 packages compiled, linking'],
  ['with all of them in the cache', ['packages to compile: 0'], 'linking'],
  [
    'what else Go says is no package',
    [COUNTED, '# k8s.io/api', './a.go:3:1: syntax error'],
    '0 of 8 packages compiled, 0 %',
  ],
])('%s', (_, lines, want) => {
  expect(shownAfter(lines)).toBe(want)
})

test('no time left is told from the first few seconds', () => {
  expect(shownAfter([COUNTED, ...packages(2)], 5_000)).toBe('2 of 8 packages compiled, 25 %')
})

test('a fault is no progress, so that it stays in what the build has said', () => {
  const counted = { ...NOTHING_COMPILED, total: 8 }
  expect(afterLine(counted, './a.go:3:1: syntax error', 0)).toBeUndefined()
  expect(afterLine(NOTHING_COMPILED, 'go: no such module', 0)).toBeUndefined()
})
