import { collectDefaultMetrics } from 'prom-client'
import { watchExpiries } from '../certs/expiry-metric.ts'
import { createMetrics } from '../gate/lease-service/report/metrics.ts'
import { createWebhookMetrics } from '../webhook/server/metrics.ts'

/** A metric as a program registers it; what prom-client keeps of it and does not type. */
export interface RegisteredMetric {
  name: string
  help: string
  labelNames: string[]
  /** `counter`, `gauge`, `histogram` or `summary`. */
  type: string
}

/** What both programs register, in the order of docs/reference/metrics.md, Node's and the process's own too. */
export function registeredMetrics(): RegisteredMetric[] {
  const service = createMetrics({
    usage: () => [],
    queueLengths: () => [],
    streams: () => 0,
    isLeading: () => false,
    eventsDropped: () => 0,
    watchAgeSeconds: () => 0,
    pressures: () => [],
    autoLimits: () => [],
    badAnnotations: () => [],
    hasNamespace: () => true,
  })
  // As webhook/main.ts adds them.
  const webhook = createWebhookMetrics()
  collectDefaultMetrics({ register: webhook.registry })
  watchExpiries(webhook.registry, () => undefined)
  return [service.registry, webhook.registry]
    .flatMap(registry => registry.getMetricsAsArray() as unknown as Omit<RegisteredMetric, 'type'>[])
    .map(metric => ({ name: metric.name, help: metric.help, labelNames: metric.labelNames, type: typeOf(metric) }))
}

const typeOf = (metric: object): string => metric.constructor.name.toLowerCase()
