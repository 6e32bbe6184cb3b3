import type { ServerOptions } from 'node:https'
import Fastify, { type FastifyInstance } from 'fastify'
import type { GateMessage, GateRequest } from '../../core/lease-api.ts'
import type { Logger } from '../../core/log.ts'
import { type GateName, PULL_GATE, START_GATE } from '../../core/names.ts'
import { bearerOf, type PodIdentity, RefusedError } from './identity.ts'
import type { Stream } from './streams.ts'

export interface ServerDeps {
  tls?: ServerOptions
  identify: (token: string) => Promise<PodIdentity>
  /** Takes a gate's stream; returns what to do when the gate hangs up. Throws RefusedError. */
  connect: (identity: PodIdentity, gate: GateName, request: GateRequest, stream: Stream) => Promise<() => void>
  isReady: () => boolean
  metricsText: () => Promise<string>
  refused: (code: string) => void
  log: Logger
}

/** A request is a few hundred bytes; anything larger is no gate of ours. */
const BODY_LIMIT = 4_096
const MAX_ATTEMPT = 100_000

/** The lease service's HTTP side: `POST /v1/gates/<gate>`, `/healthz`, `/readyz`, `/metrics`. Does not listen yet. */
export function buildServer(deps: ServerDeps): FastifyInstance {
  const server = Fastify({
    bodyLimit: BODY_LIMIT,
    // A request must be complete soon; the answer may take hours.
    requestTimeout: 10_000,
    ...(deps.tls && { https: deps.tls }),
  }) as unknown as FastifyInstance

  server.setErrorHandler((error: Error & { statusCode?: number; code?: string }, _request, reply) => {
    const refusal = error instanceof RefusedError
    const status = refusal ? error.status : (error.statusCode ?? 500)
    const code = refusal ? error.code : status < 500 ? 'BAD_REQUEST' : 'INTERNAL'
    deps.refused(code)
    if (status >= 500 && !refusal) deps.log.error({ error: error.message }, 'request failed')
    return reply.code(status).send({ code, message: error.message })
  })
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ code: 'NOT_FOUND', message: `there is no ${request.method} ${request.url} here` }),
  )
  server.get('/healthz', async () => 'ok\n')
  server.get('/readyz', async (_request, reply) => (deps.isReady() ? 'ok\n' : reply.code(503).send('not ready\n')))
  server.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4').send(await deps.metricsText()),
  )

  server.post<{ Params: { gate: string } }>('/v1/gates/:gate', async (request, reply) => {
    const gate = gateOf(request.params.gate)
    const body = bodyOf(request.body)
    const identity = await deps.identify(bearerOf(request.headers.authorization))
    if (identity.podUid !== body.podUid) {
      throw new RefusedError(
        403,
        'FOREIGN_POD',
        `the token is of pod ${identity.podUid}, the request asks for pod ${body.podUid}: a gate may ask for its own pod only`,
      )
    }
    let isOpen = true
    const write = (message: GateMessage): void => {
      if (!reply.raw.headersSent) reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' })
      reply.raw.write(`${JSON.stringify(message)}\n`)
    }
    const stream: Stream = {
      nonce: body.nonce,
      send: message => void (isOpen && write(message)),
      end: message => {
        if (!isOpen) return
        isOpen = false
        write(message)
        reply.raw.end()
      },
    }
    // Listened for before anything is awaited, or a gate that hangs up meanwhile would be kept for ever.
    let hangUp = (): void => undefined
    reply.raw.on('close', () => {
      isOpen = false
      hangUp()
    })
    hangUp = await deps.connect(identity, gate, body, stream)
    if (reply.raw.destroyed) hangUp()
    reply.hijack()
  })
  return server
}

function gateOf(name: string): GateName {
  if (name === PULL_GATE || name === START_GATE) return name
  throw new RefusedError(
    400,
    'UNKNOWN_GATE',
    `gate: "${name.slice(0, 100)}" is no gate: use ${PULL_GATE} or ${START_GATE}`,
  )
}

/** The request's body, field by field; throws RefusedError 400 that names the first bad one. */
function bodyOf(body: unknown): GateRequest {
  const { podUid, attempt, nonce } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const bad = (field: string, remedy: string) => new RefusedError(400, 'BAD_REQUEST', `${field}: ${remedy}`)
  if (typeof podUid !== 'string' || !/^[\w-]{1,64}$/.test(podUid))
    throw bad('podUid', "is missing or no UID: send the pod's metadata.uid")
  if (typeof attempt !== 'number' || !Number.isInteger(attempt) || attempt < 1 || attempt > MAX_ATTEMPT)
    throw bad('attempt', `send a whole number from 1 to ${MAX_ATTEMPT}`)
  if (typeof nonce !== 'string' || !/^[\w-]{8,64}$/.test(nonce))
    throw bad('nonce', 'send 8 to 64 letters, digits or dashes')
  return { podUid, attempt, nonce }
}
