import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import { messageOf } from '../core/errors.ts'
import { type AnswerDeps, answer } from './answer.ts'
import { parseBody } from './body.ts'

export interface ServerDeps extends AnswerDeps {
  /** What is still missing, one sentence each; empty when ready. */
  unready(): string[]
  /** True from SIGTERM on: not ready, and clients are asked to go elsewhere, but still served. */
  isDraining(): boolean
  /** PEM. Without it the server speaks plain HTTP, as tests do. */
  tls?: { cert: string; key: string }
}

/** The API server takes objects of 3 MiB; in a review they were seen to grow by a quarter. */
const BODY_LIMIT_BYTES = 10 * 1024 * 1024
/** Longer than the 90 s for which Go's HTTP client keeps an idle connection, or it would write into a closed one. */
const KEEP_ALIVE_MS = 120_000

/**
 * The webhook's server: `POST /mutate`, `GET /healthz`, `/readyz`, `/metrics`. Faults of the caller are 4xx with a code
 * and a sentence; there is no 5xx on /mutate.
 */
export function buildServer(deps: ServerDeps): FastifyInstance {
  const server = Fastify({
    ...(deps.tls && { https: { ...deps.tls, minVersion: 'TLSv1.2' } }),
    bodyLimit: BODY_LIMIT_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A 503 to a request that was under way would be a failed call; see drain.ts.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  } as Parameters<typeof Fastify>[0]) as unknown as FastifyInstance
  server.removeAllContentTypeParsers()
  // Not fastify's own: it refuses keys like __proto__, which are legal in JSON and harmless in data that is only looked at.
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, parseBody(String(text)))
    } catch (error) {
      done(Object.assign(new Error(`the body is no JSON: ${messageOf(error)}`), { statusCode: 400, code: 'NOT_JSON' }))
    }
  })
  server.addHook('onSend', async (_request, reply) => {
    if (deps.isDraining()) reply.header('connection', 'close')
  })
  server.setErrorHandler((error: FastifyError, _request, reply) => refuse(error, reply, deps))
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ code: 'NOT_FOUND', message: `there is no ${request.method} ${request.url} here` }),
  )
  addRoutes(server, deps)
  return server
}

function addRoutes(server: FastifyInstance, deps: ServerDeps): void {
  server.post('/mutate', async (request, reply) => {
    const result = answer(request.body, deps)
    if (result.kind === 'review') return result.body
    return reply.code(400).send({ code: 'MALFORMED_REVIEW', message: result.sentence })
  })
  server.get('/healthz', async () => 'ok\n')
  server.get('/readyz', async (_request, reply) => {
    const missing = deps.isDraining() ? ['shutting down'] : deps.unready()
    return missing.length === 0 ? 'ok\n' : reply.code(503).send(`${missing.join('\n')}\n`)
  })
  server.get('/metrics', async (_request, reply) => {
    reply.type(deps.metrics.registry.contentType)
    return deps.metrics.registry.metrics()
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
  reply.code(status ?? 500).send({ code: error.code ?? 'INTERNAL', message: sentenceOf(error) })
}

function sentenceOf(error: FastifyError): string {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return `the body is larger than ${BODY_LIMIT_BYTES / 1024 / 1024} MiB, more than the API server sends`
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return 'send an AdmissionReview as application/json'
  return error.message
}
