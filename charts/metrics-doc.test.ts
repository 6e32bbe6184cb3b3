import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { registeredMetrics } from './registered-metrics.ts'

/** Told of in a sentence below the table of the webhook's own. */
const IN_PROSE = 'startgate_certificate_expiry_seconds'

test('docs/reference/metrics.md lists every metric of ours with its type, labels and help, and no other', () => {
  const rows = registeredMetrics()
    .filter(({ name }) => name.startsWith('startgate_') && name !== IN_PROSE)
    .map(({ name, type, labelNames, help }) => {
      const labels = labelNames.map(label => `\`${label}\``).join(', ')
      return `| \`${name}\` | ${type} | ${labels} | ${help} |`
    })
  const text = readFileSync(new URL('../docs/reference/metrics.md', import.meta.url), 'utf8')
  expect(text.split('\n').filter(line => line.startsWith('| `'))).toEqual(rows)
  expect(text).toContain(IN_PROSE)
})
