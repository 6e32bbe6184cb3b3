import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type ConnectionLimit, limitConnections } from '../../core/connection-limit.ts'
import { cut, instead } from '../../core/errors.ts'
import { oneRequestAtATime } from '../../core/one-request.ts'
import { MIN_TLS_VERSION } from '../../core/serving-tls.ts'
import { type AnswerDeps, answer } from './answer.ts'
import { BodyBudget } from './body-budget.ts'
import { BodyRefusedError, BYTES_IN_FLIGHT, reviewBody } from './review-body.ts'
import type { Ungated } from './ungated.ts'

export interface ServerDeps extends AnswerDeps {
  /** True from SIGTERM on: not ready, and clients are asked to go elsewhere, but still served. */
  isDraining(): boolean
  /** Called when the answer is out, not in a dry run. Must not throw. */
  reportUngated(ungated: Ungated): void
  /**
   * PEM. Without it the server speaks plain HTTP, as tests do. With `ca`, only who shows a certificate of that CA may
   * ask for reviews.
   */
  tls?: { cert: string; key: string; ca?: string }
}

const NO_CLIENT_CERTIFICATE =
  'webhook.clientCa is set, and no certificate of that CA was shown: give the API server one (AdmissionConfiguration)'
/** Longer than the 90 s for which Go's HTTP client keeps an idle connection, or it would write into a closed one. */
const KEEP_ALIVE_MS = 120_000
/** For each of handshake, headers and whole request: by default the API server itself waits 5 s for all of it. */
const PATIENCE_MS = 10_000
/** Node looks for late requests every 30 s unless told otherwise. */
const CHECK_MS = 1_000
/** API servers open one for each review that is under way. An idle one costs some 50 KiB. */
export const MOST_CONNECTIONS = 1_000

/**
 * The webhook's server: `POST /mutate`, `GET /healthz`, `/readyz`. Faults of the caller are 4xx with a code and a
 * sentence; there is no 5xx on /mutate.
 */
export function buildServer(deps: ServerDeps): FastifyInstance {
  const timeouts = { headersTimeout: PATIENCE_MS, connectionsCheckingInterval: CHECK_MS }
  const server = Fastify({
    ...(deps.tls ? { https: httpsOptions(deps.tls, timeouts) } : { http: timeouts }),
    requestTimeout: PATIENCE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A 503 to a request that was under way would be a failed call; see drain.ts.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  } as Parameters<typeof Fastify>[0]) as unknown as FastifyInstance
  oneRequestAtATime(server.server)
  const connections = limitConnections(server.server, MOST_CONNECTIONS)
  const budget = new BodyBudget(BYTES_IN_FLIGHT)
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', (_request: FastifyRequest, body: IncomingMessage) =>
    reviewBody(body, budget),
  )
  server.addHook('onSend', async (_request, reply) => {
    if (deps.isDraining()) reply.header('connection', 'close')
  })
  server.setErrorHandler((error: FastifyError, _request, reply) => refuse(error, reply, deps))
  server.setNotFoundHandler(({ method, url }, reply) => {
    const message = instead(`there is no ${method} ${JSON.stringify(cut(url))} here`, 'POST /mutate')
    return reply.code(404).send({ code: 'NOT_FOUND', message })
  })
  addRoutes(server, deps, connections)
  return server
}

function httpsOptions(tls: NonNullable<ServerDeps['tls']>, timeouts: object): object {
  // Probes show no certificate, so that TLS itself must let them in.
  const clients = tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: false }
  return { minVersion: MIN_TLS_VERSION, handshakeTimeout: PATIENCE_MS, ...timeouts, ...tls, ...clients }
}

function addRoutes(server: FastifyInstance, deps: ServerDeps, connections: ConnectionLimit): void {
  // Before the body is read.
  const onRequest = async ({ raw }: FastifyRequest): Promise<void> => {
    if (deps.tls?.ca === undefined || (raw.socket as TLSSocket).authorized) return
    throw new BodyRefusedError(401, 'NO_CLIENT_CERTIFICATE', NO_CLIENT_CERTIFICATE)
  }
  server.post('/mutate', { onRequest }, async (request, reply) => {
    const result = answer(request.body, deps)
    if (result.kind === 'review') {
      connections.markTrusted(request.raw.socket)
      const { body, ungated } = result
      if (ungated) reply.raw.once('close', () => deps.reportUngated(ungated))
      return body
    }
    return reply.code(400).send({ code: 'MALFORMED_REVIEW', message: result.sentence })
  })
  server.get('/healthz', async () => 'ok\n')
  server.get('/readyz', async (_request, reply) => {
    const missing = deps.isDraining() ? ['shutting down'] : deps.unready()
    return missing.length === 0 ? 'ok\n' : reply.code(503).send(`${missing.join('\n')}\n`)
  })
}

/** What fastify or the parser refuse before a review could be read: too large, no JSON, another content type. */
function refuse(error: FastifyError, reply: FastifyReply, deps: ServerDeps): void {
  const isCallers = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500
  const status = isCallers ? error.statusCode : 500
  if (!isCallers) deps.log.error({ err: error }, 'request failed')
  if (reply.request.url === '/mutate') {
    deps.metrics.review('malformed', 'Refused', 0)
    deps.log.warn({ code: error.code, status }, `request refused: ${error.message}`)
  }
  // What it has not sent yet would have to be received first.
  reply.header('connection', 'close')
  reply.code(status ?? 500).send({ code: error.code ?? 'INTERNAL', message: sentenceOf(error) })
}

function sentenceOf(error: FastifyError): string {
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return 'send an AdmissionReview as application/json'
  return error.message
}
