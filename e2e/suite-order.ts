import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { suitePath, TOGETHER } from './suites.ts'

/**
 * Begins with the longest of the suites that run side by side: begun last, it would run on when all others are done.
 */
export class SuiteOrder extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(specifications)
    const paths = TOGETHER.map(suitePath)
    const rank = ({ moduleId }: TestSpecification) => paths.findIndex(path => moduleId.endsWith(`/${path}`))
    // Sorting is stable: those of rank -1, which are not listed, stay as they are.
    return sorted.sort((a, b) => rank(a) - rank(b))
  }
}
