import type { Server } from 'node:https'
import type { FastifyInstance } from 'fastify'
import type { Ending } from './end-on-signal.ts'
import { listenHost } from './listen-host.ts'
import { type ServeMetricsOptions, serveMetrics } from './serve-metrics.ts'
import { type ServingTls, withCertificates } from './serving-tls.ts'

export interface ServeProgramOptions extends ServeMetricsOptions {
  /** Makes the server, which does not listen yet. */
  build(tls: ServingTls): FastifyInstance
  /** PEM. Whose certificates clients show; null when none are asked for. */
  clientCa?: string | null
  listen: { port: number; backlog?: number }
  ending: Pick<Ending<FastifyInstance>, 'serving'>
}

/**
 * Serves over TLS what `build` makes, and the program's metrics on their own port. Waits for a certificate, without
 * which there is nothing to listen with: the startup probe waits for it. Resolves when both listen.
 */
export async function serveProgram(options: ServeProgramOptions): Promise<void> {
  const { build, listen, ending } = options
  const server = await withCertificates(options, build, built => built.server as unknown as Server)
  ending.serving(server)
  await serveMetrics(options)
  await server.listen({ host: listenHost(), ...listen })
}
