import type { Server } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client'
import type { IdentityView, ServingIdentity } from '../certs/identity.ts'
import { systemKeys } from '../certs/keys.ts'
import { type Expiries, startRotator } from '../certs/rotator.ts'
import { startCertificateSource } from '../certs/source.ts'
import { splitSecretStore } from '../certs/split-store.ts'
import { kubernetesCaPublisher, kubernetesSecretReader, kubernetesSecretStore } from '../certs/store.ts'
import { systemClock as clock } from '../core/clock.ts'
import type { ClusterConfig } from '../core/cluster-config.ts'
import { createKubeClient, type KubeClient } from '../core/kube/client.ts'
import { createEventRecorder } from '../core/kube/events.ts'
import { listenHost } from '../core/listen-host.ts'
import type { Logger } from '../core/log.ts'
import { runProgram } from '../core/run-program.ts'
import { serveMetrics } from '../core/serve-metrics.ts'
import { servingTls } from '../core/serving-tls.ts'
import { type ClusterView, startClusterView } from './cluster/cluster-view.ts'
import { injectSettings } from './cluster/settings.ts'
import type { MutateFacts } from './mutate/mutate.ts'
import { drain } from './server/drain.ts'
import { createWebhookMetrics } from './server/metrics.ts'
import { buildServer } from './server/server.ts'
import { EventBudget, ungatedEvent } from './server/ungated.ts'

async function main(config: ClusterConfig, log: Logger): Promise<void> {
  const client = createKubeClient()
  const { namespace, leaseService } = config
  const view = startClusterView({
    client,
    service: { namespace, name: leaseService.name, port: leaseService.port },
    clock,
    log,
  })
  const certificates = startCertificates(client, config, log)
  const events = createEventRecorder({ client, component: 'startgate-webhook', clock, log })
  const budget = new EventBudget()
  const metrics = createWebhookMetrics()
  collectDefaultMetrics({ register: metrics.registry })
  watchExpiries(metrics.registry, certificates)
  let draining = false
  let server: FastifyInstance | undefined
  const stop = async () => {
    if (draining) return
    draining = true
    if (server) await drain(server, { lameDuckMs: config.lameDuckMs, sleep, log })
    process.exit(0)
  }
  // Before anything is waited for: the first process of a container ignores signals that it does not listen for.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop())
  // Without a certificate there is no TLS to listen with; the startup probe waits for this.
  const identity = await new Promise<ServingIdentity>(resolve => certificates.onChange(resolve))
  const https = buildServer({
    factsFor: name => factsFor(name, { config, view, certificates }),
    metrics,
    log,
    monotonicMs: () => performance.now(),
    unready: () => view.missing(),
    isDraining: () => draining,
    reportUngated: ungated => {
      if (budget.admit(ungated, clock.monotonicMs())) events.record(ungatedEvent(ungated))
    },
    tls: servingTls(identity, config.webhook.clientCa),
  })
  certificates.onChange(next =>
    (https.server as unknown as Server).setSecureContext(servingTls(next, config.webhook.clientCa)),
  )
  server = https
  await serveMetrics({
    config,
    registry: metrics.registry,
    transport: client.transport,
    identity,
    onCertificate: certificates.onChange,
    clock,
    log,
  })
  await https.listen({ host: listenHost(), port: config.webhook.listenPort })
  log.info({ port: config.webhook.listenPort }, 'serving reviews')
}

interface Certificates extends IdentityView {
  /** Of those that this program can see. */
  expiries(): Partial<Expiries> | undefined
}

function startCertificates(client: KubeClient, config: ClusterConfig, log: Logger): Certificates {
  const location = { namespace: config.namespace, name: config.webhook.certificateSecret }
  if (config.certificateProvider === 'certManager')
    return startCertificateSource({ secret: kubernetesSecretReader(client, location), maker: 'cert-manager', log })
  const store = (name: string) => kubernetesSecretStore(client, { ...location, name }, config.webhook.name)
  return startRotator({
    secret: splitSecretStore({
      serving: store(config.webhook.certificateSecret),
      leaseService: store(config.certificateSecret),
      authority: store(config.caSecret),
    }),
    publisher: kubernetesCaPublisher(client, config.webhook.configurationName),
    keys: systemKeys,
    clock,
    log,
    dnsNames: {
      serving: [`${config.webhook.name}.${config.namespace}.svc`],
      leaseService: [config.leaseService.serverName],
    },
  })
}

/** Certificates that near their end show here long before anything fails. */
function watchExpiries(registry: Registry, certificates: Certificates): void {
  new Gauge({
    name: 'startgate_certificate_expiry_seconds',
    help: 'When each certificate ends, in seconds since the epoch.',
    labelNames: ['certificate'],
    registers: [registry],
    collect() {
      const { servingMs, signingCaMs, nextCaMs } = certificates.expiries() ?? {}
      const ends = { serving: servingMs, 'signing-ca': signingCaMs, 'next-ca': nextCaMs }
      for (const [certificate, endMs] of Object.entries(ends))
        if (endMs !== undefined) this.set({ certificate }, endMs / 1000)
    },
  })
}

function factsFor(
  namespace: string,
  { config, view, certificates }: { config: ClusterConfig; view: ClusterView; certificates: IdentityView },
): MutateFacts | undefined {
  const address = view.address()
  const ca = certificates.current()?.caBundlePem
  if (!address || !ca || view.missing().length > 0) return undefined
  return {
    settings: injectSettings(config, { address, ca }),
    namespace: view.namespaces.factsOf(namespace),
    everywhereFor: pod => view.nodes.everywhereFor(pod),
  }
}

await runProgram('webhook', main)
