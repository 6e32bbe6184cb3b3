import type { ServerOptions } from 'node:https'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { InvalidValueError, instead } from '../../../core/errors.ts'
import { notFound } from '../../../core/http-refusals.ts'
import {
  AGENT_PATH,
  type AgentMessage,
  type AgentRequest,
  type GateMessage,
  type GateRequest,
  PRESSURE_PATH,
  type PressureRequest,
  REPORTS_PATH,
  type ReportsRequest,
} from '../../../core/lease-api.ts'
import type { Logger } from '../../../core/log.ts'
import type { GateName } from '../../../core/names.ts'
import type { NodeFigures } from '../../../core/node-figures.ts'
import { oneRequestAtATime } from '../../../core/one-request.ts'
import { MIN_TLS_VERSION } from '../../../core/serving-tls.ts'
import { type NodeIdentity, type PodIdentity, RefusedError } from '../model/refusal.ts'
import type { AgentStream, Stream } from '../model/stream.ts'
import { askedBy, countedAnswerOf } from './fault-answer.ts'
import { gateOf } from './gate-name.ts'
import { jsonLineAnswer } from './ndjson-response.ts'
import { serveNodeLinks } from './node-links.ts'
import { agentRequestOf, gateRequestOf, pressureRequestOf, reportsRequestOf } from './request-body.ts'
import { bearerOf } from './token-identity.ts'
import { limitUnauthenticated } from './unauthenticated-connections.ts'

export interface ServerDeps {
  tls?: ServerOptions
  /** `address` is where the token comes from. Throws RefusedError. */
  identify: (token: string, address: string) => Promise<PodIdentity>
  /** Takes a gate's stream; returns what to do when the gate hangs up. Throws RefusedError. */
  connect: (identity: PodIdentity, gate: GateName, request: GateRequest, stream: Stream) => Promise<() => void>
  /** The same for the agent of a sequenced pod. */
  connectAgent: (identity: PodIdentity, request: AgentRequest, stream: AgentStream) => Promise<() => void>
  /** Takes in what an agent reports. Throws RefusedError. */
  report: (identity: PodIdentity, request: ReportsRequest) => Promise<void>
  /** Takes in what a gate tells of its node. Throws RefusedError. */
  takePressure: (identity: PodIdentity, request: PressureRequest) => Promise<void>
  /** Takes in what a waiter tells of its node. */
  takeFigures: (nodeName: string, figures: NodeFigures) => void
  /** Whose waiter it is, by its token; absent where there are none. Throws RefusedError. */
  identifyNode?: (token: string, address: string) => Promise<NodeIdentity>
  /** Told of each waiter's link that is taken in, and again when it has ended. */
  onNodeLink?: (isUp: boolean) => void
  isReady: () => boolean
  refused: (code: string) => void
  log: Logger
}

/** A request is a few hundred bytes; anything larger is no gate of ours. */
const BODY_LIMIT = 4_096
/** An agent tells of every container of its pod. */
const AGENT_BODY_LIMIT = 131_072
/** For each of handshake, headers and whole request: a gate needs milliseconds, also on a busy node not ten seconds. */
const PATIENCE_MS = 10_000
/** Node looks for late requests every 30 s unless told otherwise. */
const CHECK_MS = 2_000

/**
 * Of `listen`: a herd's connections in one turn of the event loop. Beyond Node's 511 the kernel drops them, and each
 * comes again after 1, 3, 7 s.
 */
export const BACKLOG = 4_096

/**
 * The lease service's HTTP side: `POST /v1/gates/<gate>`, `/v1/agent`, `/v1/reports` and `/v1/pressure`, `/healthz`,
 * `/readyz`, and the links of nodes' waiters (node-links.ts). Does not listen yet.
 */
export function buildServer(deps: ServerDeps): FastifyInstance {
  const server = newServer(deps)
  oneRequestAtATime(server.server)
  const unauthenticated = limitUnauthenticated(server.server)
  const callerOf = async (request: FastifyRequest, body: { podUid: string }): Promise<PodIdentity> => {
    const identity = await identityOf(deps, request, body)
    unauthenticated.authenticated(request.raw.socket)
    return identity
  }

  // Whoever was refused must begin again, and whoever was served needs a connection no more.
  server.addHook('onSend', async (_request, reply) => void reply.header('connection', 'close'))
  answerFaults(server, deps)
  serveNodeLinks(server, deps, unauthenticated)
  server.get('/healthz', async () => 'ok\n')
  server.get('/readyz', async (_request, reply) => (deps.isReady() ? 'ok\n' : reply.code(503).send('not ready\n')))
  server.post<{ Params: { gate: string } }>('/v1/gates/:gate', async (request, reply) => {
    const gate = gateOf(request.params.gate)
    const body = gateRequestOf(request.body)
    const identity = await callerOf(request, body)
    const answer = jsonLineAnswer<GateMessage>(reply)
    await answer.serve(() => deps.connect(identity, gate, body, { nonce: body.nonce, ...answer }))
  })
  server.post(AGENT_PATH, { bodyLimit: AGENT_BODY_LIMIT }, async (request, reply) => {
    const body = agentRequestOf(request.body)
    const identity = await callerOf(request, body)
    const answer = jsonLineAnswer<AgentMessage>(reply)
    await answer.serve(() => deps.connectAgent(identity, body, answer))
  })
  server.post(REPORTS_PATH, { bodyLimit: AGENT_BODY_LIMIT }, async request => {
    const body = reportsRequestOf(request.body)
    await deps.report(await callerOf(request, body), body)
    return {}
  })
  server.post(PRESSURE_PATH, async request => {
    const body = pressureRequestOf(request.body)
    await deps.takePressure(await callerOf(request, body), body)
    return {}
  })
  return server
}

function newServer(deps: ServerDeps): FastifyInstance {
  return Fastify({
    bodyLimit: BODY_LIMIT,
    // A request must be complete soon; the answer may take hours.
    requestTimeout: PATIENCE_MS,
    // What was under way when the replica shuts down is answered, not refused.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    ...(deps.tls && {
      https: {
        handshakeTimeout: PATIENCE_MS,
        headersTimeout: PATIENCE_MS,
        connectionsCheckingInterval: CHECK_MS,
        minVersion: MIN_TLS_VERSION,
        ...deps.tls,
      },
    }),
  } as Parameters<typeof Fastify>[0]) as unknown as FastifyInstance
}

function answerFaults(server: FastifyInstance, deps: ServerDeps): void {
  server.setErrorHandler((error, request, reply) => {
    const { status, code, message } = countedAnswerOf(error, askedBy(request.raw), deps)
    return reply.code(status).send({ code, message })
  })
  server.setNotFoundHandler(({ method, url }, reply) => {
    const paths = ['POST /v1/gates/GATE', AGENT_PATH, REPORTS_PATH, PRESSURE_PATH]
    const { status, body } = notFound(method, url, ...paths)
    return reply.code(status).send(body)
  })
}

/** Who asks; throws RefusedError when it is not the pod it asks for. */
async function identityOf(
  deps: ServerDeps,
  request: FastifyRequest,
  { podUid }: { podUid: string },
): Promise<PodIdentity> {
  const identity = await deps.identify(bearerOf(request.headers.authorization), request.ip)
  if (identity.podUid === podUid) return identity
  const remedy = instead('is not the pod of this token', `${identity.podUid}: a gate may ask for its own pod only`)
  throw new RefusedError(403, 'FOREIGN_POD', new InvalidValueError('podUid', podUid, remedy).message)
}
