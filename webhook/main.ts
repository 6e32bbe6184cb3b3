import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics } from 'prom-client'
import { watchExpiries } from '../certs/expiry-metric.ts'
import { startWebhookCertificates } from '../certs/webhook-certificates.ts'
import { systemClock as clock } from '../core/clock.ts'
import type { ClusterConfig } from '../core/cluster-config.ts'
import { endOnSignal } from '../core/end-on-signal.ts'
import { createKubeClient } from '../core/kube/client.ts'
import { createEventRecorder } from '../core/kube/events.ts'
import type { Logger } from '../core/log.ts'
import { runProgram } from '../core/run-program.ts'
import { serveProgram } from '../core/serve-program.ts'
import { startClusterView } from './cluster/cluster-view.ts'
import { factsFor, missingFacts } from './mutate/facts.ts'
import { drain } from './server/drain.ts'
import { createWebhookMetrics } from './server/metrics.ts'
import { buildServer } from './server/server.ts'
import { EventBudget, ungatedEvent } from './server/ungated.ts'

async function main(config: ClusterConfig, log: Logger): Promise<void> {
  const client = createKubeClient()
  const { namespace, leaseService } = config
  const service = { namespace, name: leaseService.name, port: leaseService.port }
  const sidecarGates = config.sequenceGates !== 'init'
  const view = startClusterView({ client, service, waiters: config.nodeWaiter?.name, sidecarGates, clock, log })
  const certificates = startWebhookCertificates({ client, config, clock, log })
  const events = createEventRecorder({ client, component: 'startgate-webhook', clock, log })
  const budget = new EventBudget()
  const metrics = createWebhookMetrics()
  collectDefaultMetrics({ register: metrics.registry })
  watchExpiries(metrics.registry, () => certificates.expiries())
  const ending = endOnSignal((server: FastifyInstance) => drain(server, { lameDuckMs: config.lameDuckMs, sleep, log }))
  const facts = { config, view, ca: () => certificates.current()?.caBundlePem }
  await serveProgram({
    config,
    build: tls =>
      buildServer({
        factsFor: name => factsFor(name, facts),
        metrics,
        log,
        monotonicMs: () => performance.now(),
        unready: () => missingFacts(facts),
        isDraining: ending.isDraining,
        reportUngated: ungated => {
          if (budget.admit(ungated, clock.monotonicMs())) events.record(ungatedEvent(ungated))
        },
        tls,
      }),
    certificates,
    clientCa: config.webhook.clientCa,
    registry: metrics.registry,
    transport: client.transport,
    listen: { port: config.webhook.listenPort },
    ending,
    clock,
    log,
  })
  log.info({ port: config.webhook.listenPort }, 'serving reviews')
}

await runProgram('webhook', main)
