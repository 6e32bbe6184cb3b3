import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { limitConnections } from './connection-limit.ts'
import { messageOf } from './errors.ts'
import {
  badToken,
  bearerIn,
  forbidden,
  NO_TOKEN,
  NOT_REVIEWED,
  notFound,
  type Refusal,
  refusal,
  refuse,
} from './http-refusals.ts'
import type { Logger } from './log.ts'
import { oneRequestAtATime } from './one-request.ts'
import type { Authorize } from './read-access.ts'
import { MIN_TLS_VERSION } from './serving-tls.ts'

export interface MetricsServerDeps {
  /** PEM. Without it the server speaks plain HTTP, as tests do. */
  tls?: { cert: string; key: string }
  contentType: string
  text: () => Promise<string>
  /** Undefined: whoever asks is told. */
  authorize: Authorize | undefined
  monotonicMs: () => number
  /** What else is served on this port. */
  other?: OtherRoutes | undefined
  log: Logger
}

/** Paths besides /metrics, whose requests it judges and answers itself. */
export interface OtherRoutes {
  isFor(path: string): boolean
  /**
   * Answers. `markTrusted` is to be called as soon as it is known that the caller may: its connection is then closed
   * for room only when all others are trusted, too. Never rejects.
   */
  serve(request: IncomingMessage, response: ServerResponse, markTrusted: () => void): Promise<void>
  /** On how many connections more. */
  connections: number
}

/** Scrapers are few. One costs some 50 KiB, and while it reads slowly a copy of the text. */
export const MOST_CONNECTIONS = 32
/** For each of handshake, headers and whole request. */
const PATIENCE_MS = 5_000
/**
 * A connection on which nothing moves, while an answer is read too. Prometheus asks every minute unless told otherwise.
 */
const SILENCE_MS = 90_000
/** The text costs up to a second of this process in a large cluster, so it is made this often at most. */
const GOOD_FOR_MS = 1_000

/** `GET /metrics` on a port of its own, for those who may read it. Does not listen yet. */
export function buildMetricsServer(deps: MetricsServerDeps): Server | TlsServer {
  const timeouts = {
    headersTimeout: PATIENCE_MS,
    requestTimeout: PATIENCE_MS,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: SILENCE_MS,
  }
  const server = deps.tls
    ? createTlsServer({ minVersion: MIN_TLS_VERSION, handshakeTimeout: PATIENCE_MS, ...timeouts, ...deps.tls })
    : createPlainServer(timeouts)
  server.setTimeout(SILENCE_MS)
  const connections = limitConnections(server, MOST_CONNECTIONS + (deps.other?.connections ?? 0))
  const text = madeSeldom(deps.text, deps.monotonicMs)
  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    if (deps.other?.isFor(pathOf(request)))
      return deps.other.serve(request, response, () => connections.markTrusted(request.socket))
    const judged = await refusalOf(request, deps)
    if (judged) return refuse(response, judged)
    connections.markTrusted(request.socket)
    try {
      const body = await text()
      response.writeHead(200, { 'content-type': deps.contentType }).end(body)
    } catch (error) {
      deps.log.error({ error: messageOf(error) }, 'the metrics cannot be read')
      refuse(response, FAULT)
    }
  })
  oneRequestAtATime(server)
  return server
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? ''
}

async function refusalOf(
  request: IncomingMessage,
  { authorize, log }: MetricsServerDeps,
): Promise<Refusal | undefined> {
  const { method = '', url = '', headers, socket } = request
  if (method !== 'GET' || pathOf(request) !== '/metrics') return notFound(method, url, 'GET /metrics')
  if (!authorize) return undefined
  const token = bearerIn(headers.authorization)
  if (!token) return NO_TOKEN
  try {
    return VERDICTS[(await authorize(token, socket.remoteAddress ?? '')).verdict]
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'cannot ask the API server who may read metrics')
    return NOT_REVIEWED
  }
}

const VERDICTS = {
  allowed: undefined,
  unauthenticated: badToken("the scraper's own, not expired"),
  forbidden: forbidden('the nonResourceURL /metrics; bind the ClusterRole startgate-metrics-reader to it'),
}

const FAULT = refusal(500, 'INTERNAL', 'the metrics cannot be read')

/** Whoever asks within GOOD_FOR_MS of an earlier answer, or while it is made, gets that one. */
function madeSeldom(make: () => Promise<string>, monotonicMs: () => number): () => Promise<Buffer> {
  let latest: { text: Promise<Buffer>; untilMs: number } | undefined
  return () => {
    if (latest && monotonicMs() < latest.untilMs) return latest.text
    const next = { text: make().then(Buffer.from), untilMs: Number.POSITIVE_INFINITY }
    latest = next
    // From when it was made: a text that takes long must not be made without a pause.
    const settle = () => {
      next.untilMs = monotonicMs() + GOOD_FOR_MS
    }
    next.text.then(settle, settle)
    return next.text
  }
}
