import { writeFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'

const MOST_OF_AN_ERROR = 1_500

/** What one test file came to. */
export interface SuiteResult {
  /** From the repository's root. */
  file: string
  /** Hooks and tests: what the file takes when the machine does nothing else. */
  ms: number
  passed: number
  failed: number
  /** One for each test that failed: its name and how the error begins. */
  failures?: string[]
}

/** Writes what every file came to as JSON to STARTGATE_TIMES, and nothing when the run was broken off. */
export default class SuiteTimes implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[], reason: TestRunEndReason): void {
    const to = process.env.STARTGATE_TIMES
    if (to === undefined || reason === 'interrupted') return
    const results = modules.map(resultOf)
    if (unhandled.length > 0) results.push({ file: 'outside of tests', ms: 0, passed: 0, failed: unhandled.length })
    writeFileSync(to, JSON.stringify(results))
  }
}

function resultOf(module: TestModule): SuiteResult {
  const tests = [...module.children.allTests()]
  const states = tests.map(test => test.result().state)
  const failures = tests.flatMap(test => {
    const { state, errors } = test.result()
    return state === 'failed' ? [`${test.fullName}: ${beginningOf(errors?.[0]?.message ?? 'no error')}`] : []
  })
  return {
    file: module.relativeModuleId,
    ms: Math.round(module.diagnostic().duration),
    ...countOf(states, module.state()),
    ...(failures.length > 0 && { failures }),
  }
}

/** Some errors hold what a whole cluster has said. */
function beginningOf(message: string): string {
  return stripVTControlCharacters(message).slice(0, MOST_OF_AN_ERROR)
}

/**
 * A test that did not pass shows nothing: skipped counts as failed, and so does a file that has no tests or did not
 * load.
 */
export function countOf(tests: readonly string[], file: string): { passed: number; failed: number } {
  const passed = tests.filter(state => state === 'passed').length
  const failed = tests.length - passed
  const isBroken = failed === 0 && (passed === 0 || file !== 'passed')
  return { passed, failed: isBroken ? 1 : failed }
}
