import axe from 'axe-core'
import type { Tab } from './tab.ts'

interface Violation {
  id: string
  help: string
  nodes: { target: string[]; failureSummary: string }[]
}

/** What of WCAG 2.2 A and AA, and of axe's best practices, the page breaks: a line for each. */
export async function axeFindings(tab: Tab): Promise<string[]> {
  await tab.evaluate(`${axe.source}; undefined`)
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const violations = await tab.evaluate<Violation[]>(
    `axe.run({ runOnly: ${JSON.stringify(tags)} }).then(({ violations }) => violations)`,
  )
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary.split('\n')[1] ?? ''}`,
    ),
  )
}
