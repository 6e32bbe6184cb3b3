import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import https from 'node:https'
import { InvalidValueError, messageOf, notValid } from '../errors.ts'
import { KubeError, kubeErrorOfAnswer } from './kube-error.ts'

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Query
  body?: unknown
  /** Of the body; `application/json` when not given. */
  contentType?: string
  /** For the whole request, connection and answer included; the transport's own when not given. */
  timeoutMs?: number
  /** Called with the answer's headers. */
  onHeaders?(headers: IncomingHttpHeaders): void
}

export interface StreamRequest {
  path: string
  query?: Query
  /** The stream fails with reason `Timeout` when not one byte came for this long. */
  idleTimeoutMs: number
  signal: AbortSignal
}

export type Query = Record<string, string | number | boolean | undefined>

/** JSON over HTTPS to one API server. Every failure is a KubeError. */
export interface ApiTransport {
  /** The parsed answer. `T` is what the caller says it is: the API server is trusted to send its own types. */
  request<T>(request: ApiRequest): Promise<T>
  /** The answer's bytes as they come; resolves when the server has answered 200. */
  openStream(request: StreamRequest): Promise<AsyncIterable<Uint8Array>>
}

/** What the transport wants from client-node's KubeConfig: address, TLS and credentials, tokens re-read by it. */
export interface ApiCredentials {
  getCurrentCluster(): { server: string; proxyUrl?: string } | null
  applyToHTTPSOptions(options: https.RequestOptions): Promise<void>
}

const CONNECT_TIMEOUT_MS = 10_000
/** libuv then probes each second and gives up after ten: a dead peer is noticed after 25 s, on an idle watch too. */
const TCP_KEEP_ALIVE_DELAY_MS = 15_000

/**
 * More than all parts of the lease service may want at once (grants' Leases 32, their removals, reads of pods,
 * conditions, token reviews): its election must not wait for a socket behind calls that hang.
 */
const MOST_SOCKETS = 128

/**
 * Client-node's typed API classes are not used: 2.0.1 makes a new TLS connection for every request, knows no timeout
 * and drops fields it does not know. Watches have an agent of their own, so that none waits for a pooled connection.
 */
export function createTransport(credentials: ApiCredentials, requestTimeoutMs: number): ApiTransport {
  const server = credentials.getCurrentCluster()?.server ?? ''
  if (!server.startsWith('https:')) {
    throw new InvalidValueError(
      'kubeconfig cluster.server',
      server,
      notValid('https URL of an API server', 'https://HOST:PORT'),
    )
  }
  // With another delay than each request sets, the socket's options would be set twice a request.
  const pool = new https.Agent({
    keepAlive: true,
    keepAliveMsecs: TCP_KEEP_ALIVE_DELAY_MS,
    timeout: 60_000,
    maxSockets: MOST_SOCKETS,
  })
  const single = new https.Agent({ keepAlive: false })
  const context: Context = { credentials, server, pool, single }
  return {
    request: <T>(request: ApiRequest) => exchange<T>(context, { timeoutMs: requestTimeoutMs, ...request }),
    openStream: request => openStream(context, request),
  }
}

interface Context {
  credentials: ApiCredentials
  server: string
  pool: https.Agent
  single: https.Agent
}

async function exchange<T>(context: Context, request: ApiRequest & { timeoutMs: number }): Promise<T> {
  const what = `${request.method} ${request.path}`
  const signal = AbortSignal.timeout(request.timeoutMs)
  const attempt = async (): Promise<T> => {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body)
    const answer = await send(context, { ...request, body, agent: context.pool, signal })
    request.onHeaders?.(answer.headers)
    const text = await textOf(answer)
    const status = answer.statusCode ?? 0
    if (status < 200 || status > 299) throw kubeErrorOfAnswer(what, status, text)
    return JSON.parse(text) as T
  }
  try {
    return await attempt().catch(error => {
      // The server closed a pooled connection just as we took it; nobody is hurt by reading twice.
      if (request.method === 'GET' && isReset(error) && !signal.aborted) return attempt()
      throw error
    })
  } catch (error) {
    if (error instanceof KubeError) throw error
    // Idle connections to a server that fell silent are as dead as the one that just failed.
    for (const socket of Object.values(context.pool.freeSockets).flat()) socket?.destroy()
    throw connectionError(what, error, signal.aborted ? `no answer within ${request.timeoutMs} ms` : undefined)
  }
}

/** Without an iterator: a herd's token reviews and Leases are thousands of short answers. */
function textOf(answer: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    answer.on('data', (chunk: Buffer) => chunks.push(chunk))
    answer.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    answer.on('error', reject)
    // After its end this changes nothing.
    answer.on('close', () => reject(new Error('the answer broke off')))
  })
}

async function openStream(context: Context, request: StreamRequest): Promise<AsyncIterable<Uint8Array>> {
  const what = `watch ${request.path}`
  const idle = new AbortController()
  const signal = AbortSignal.any([request.signal, idle.signal])
  const watchdog = setTimeout(() => idle.abort(), CONNECT_TIMEOUT_MS)
  const fault = (error: unknown) => {
    clearTimeout(watchdog)
    if (error instanceof KubeError) return error
    return connectionError(what, error, idle.signal.aborted ? 'the connection fell silent' : undefined)
  }
  const answer = await send(context, { ...request, method: 'GET', agent: context.single, signal }).catch(error => {
    throw fault(error)
  })
  if (answer.statusCode !== 200) {
    const body = await Array.fromAsync(answer as AsyncIterable<Buffer>).catch(() => [])
    throw fault(kubeErrorOfAnswer(what, answer.statusCode ?? 0, Buffer.concat(body).toString('utf8')))
  }
  clearTimeout(watchdog)
  return read(answer, { idle, idleTimeoutMs: request.idleTimeoutMs, fault })
}

interface ReadOptions {
  idle: AbortController
  idleTimeoutMs: number
  fault: (error: unknown) => KubeError
}

async function* read(answer: IncomingMessage, options: ReadOptions): AsyncGenerator<Uint8Array> {
  const watchdog = setTimeout(() => options.idle.abort(), options.idleTimeoutMs)
  try {
    for await (const chunk of answer) {
      watchdog.refresh()
      yield chunk
    }
  } catch (error) {
    throw options.fault(error)
  } finally {
    clearTimeout(watchdog)
    answer.destroy()
  }
}

interface Outgoing {
  method: string
  path: string
  query?: Query
  body?: string | undefined
  contentType?: string
  agent: https.Agent
  signal: AbortSignal
}

async function send(context: Context, outgoing: Outgoing): Promise<IncomingMessage> {
  const options: https.RequestOptions = { headers: { accept: 'application/json', 'user-agent': 'startgate' } }
  await context.credentials.applyToHTTPSOptions(options)
  // Its agent keeps no connection alive; it is only needed to go through a proxy.
  if (!context.credentials.getCurrentCluster()?.proxyUrl) options.agent = outgoing.agent
  const url = new URL(context.server.replace(/\/$/, '') + outgoing.path)
  for (const [key, value] of Object.entries(outgoing.query ?? {})) {
    if (value !== undefined) url.searchParams.set(key, String(value))
  }
  if (outgoing.body !== undefined) {
    const contentType = outgoing.contentType ?? 'application/json'
    const contentLength = Buffer.byteLength(outgoing.body)
    options.headers = { ...options.headers, 'content-type': contentType, 'content-length': contentLength }
  }
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = https.request(url, { ...options, method: outgoing.method, signal: outgoing.signal })
  request.on('socket', socket => socket.setKeepAlive(true, TCP_KEEP_ALIVE_DELAY_MS))
  request.on('response', resolve)
  request.on('error', reject)
  request.end(outgoing.body)
  return promise
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function isReset(error: unknown): boolean {
  return codeOf(error) === 'ECONNRESET' || codeOf(error) === 'EPIPE'
}

/** Nothing was sent yet when these happen. */
const NOT_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']

function connectionError(what: string, error: unknown, timeout: string | undefined): KubeError {
  if (timeout) return new KubeError(`${what}: ${timeout}`, { status: 0, reason: 'Timeout' }, { cause: error })
  const reason = NOT_SENT.includes(codeOf(error)) ? 'ConnectionRefused' : 'ConnectionLost'
  return new KubeError(`${what}: ${messageOf(error)}`, { status: 0, reason }, { cause: error })
}
