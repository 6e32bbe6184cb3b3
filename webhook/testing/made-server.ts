import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { createWebhookMetrics } from '../server/metrics.ts'
import { buildServer, type ServerDeps } from '../server/server.ts'
import { FACTS } from './facts.ts'

/** For tests and benches: a webhook that knows all it needs, and is otherwise as told. */
export function madeServer(deps: Partial<ServerDeps> = {}): FastifyInstance {
  return buildServer({
    factsFor: () => FACTS,
    metrics: createWebhookMetrics(),
    log: pino({ level: 'silent' }),
    monotonicMs: () => performance.now(),
    unready: () => [],
    isDraining: () => false,
    reportUngated: () => undefined,
    ...deps,
  })
}
