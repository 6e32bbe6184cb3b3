import { once } from 'node:events'
import type { Server as TlsServer } from 'node:https'
import type { Registry } from 'prom-client'
import type { Clock } from './clock.ts'
import type { ClusterConfig } from './cluster-config.ts'
import { reviewScrape } from './kube/access-review.ts'
import type { ApiTransport } from './kube/transport.ts'
import { listenHost } from './listen-host.ts'
import type { Logger } from './log.ts'
import { buildMetricsServer, type OtherRoutes } from './metrics-server.ts'
import { createReadAccess } from './read-access.ts'
import { type CertificateView, withCertificates } from './serving-tls.ts'

export interface ServeMetricsOptions {
  config: Pick<ClusterConfig, 'metrics'>
  registry: Registry
  transport: ApiTransport
  certificates: CertificateView
  clock: Clock
  /** What else is served on the same port. */
  other?: OtherRoutes
  log: Logger
}

/**
 * Serves a program's metrics on their own port, with the certificate that the program has. Resolves when it listens.
 */
export async function serveMetrics({
  config,
  registry,
  transport,
  certificates,
  clock,
  other,
  log,
}: ServeMetricsOptions): Promise<TlsServer> {
  const monotonicMs = () => clock.monotonicMs()
  const { listenPort, authorization } = config.metrics
  const server = await withCertificates(
    { certificates },
    tls =>
      buildMetricsServer({
        tls,
        contentType: registry.contentType,
        text: () => registry.metrics(),
        authorize: authorization ? createReadAccess(token => reviewScrape(transport, token), monotonicMs) : undefined,
        monotonicMs,
        other,
        log,
      }) as TlsServer,
    built => built,
  )
  server.listen({ host: listenHost(), port: listenPort })
  await once(server, 'listening')
  log.info({ port: listenPort, authorization }, 'serving metrics')
  return server
}
