import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createMetrics } from '../gate/lease-service/report/metrics.ts'
import { createWebhookMetrics } from '../webhook/server/metrics.ts'

/** What prom-client keeps of a metric and does not type. */
interface Described {
  name: string
  help: string
  labelNames: string[]
}

test('docs/reference/metrics.md lists every metric of ours with its type, labels and help, and no other', () => {
  const service = createMetrics({
    usage: () => [],
    queueLengths: () => [],
    streams: () => 0,
    isLeading: () => false,
    eventsDropped: () => 0,
    watchAgeSeconds: () => 0,
    pressures: () => [],
    badAnnotations: () => [],
    hasNamespace: () => true,
  })
  const rows = [service.registry, createWebhookMetrics().registry]
    .flatMap(registry => registry.getMetricsAsArray() as unknown as Described[])
    .filter(({ name }) => name.startsWith('startgate_'))
    .map(metric => {
      const labels = metric.labelNames.map(label => `\`${label}\``).join(', ')
      return `| \`${metric.name}\` | ${metric.constructor.name.toLowerCase()} | ${labels} | ${metric.help} |`
    })
  const text = readFileSync(new URL('../docs/reference/metrics.md', import.meta.url), 'utf8')
  expect(text.split('\n').filter(line => line.startsWith('| `'))).toEqual(rows)
})
