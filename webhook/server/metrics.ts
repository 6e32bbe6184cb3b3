import { Counter, Histogram, Registry } from 'prom-client'

export type ReviewResult = 'patched' | 'skipped' | 'denied' | 'unchanged' | 'malformed'

export interface WebhookMetrics {
  registry: Registry
  /** One answered review. `reason` is one of a fixed set of PascalCase words. */
  review(result: ReviewResult, reason: string, seconds: number): void
  patch(bytes: number): void
}

/** The webhook's metrics, in a registry of their own. */
export function createWebhookMetrics(): WebhookMetrics {
  const registry = new Registry()
  const registers = [registry]
  const reviews = new Counter({
    name: 'startgate_webhook_reviews_total',
    help: 'AdmissionReviews answered, by what became of the pod.',
    labelNames: ['result', 'reason'],
    registers,
  })
  const duration = new Histogram({
    name: 'startgate_webhook_review_duration_seconds',
    help: 'Time from a parsed body to its answer.',
    // The API server gives up after 5 s.
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  })
  const patchBytes = new Histogram({
    name: 'startgate_webhook_patch_bytes',
    help: 'Size of JSON patches before base64.',
    buckets: [512, 1024, 2048, 4096, 8192, 16_384, 65_536, 262_144],
    registers,
  })
  return {
    registry,
    review(result, reason, seconds) {
      reviews.inc({ result, reason })
      duration.observe(seconds)
    },
    patch: bytes => patchBytes.observe(bytes),
  }
}
