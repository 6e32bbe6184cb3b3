import { type Agent, request } from 'node:https'
import type { LookupFunction, Socket } from 'node:net'
import { MIN_TLS_VERSION } from '../../core/serving-tls.ts'
import { NODE_PATH, NODE_UPGRADE } from '../../core/waiter-api.ts'
import { limitConnecting } from '../pod/connect-limit.ts'
import { refusalOf } from '../pod/lease-client.ts'

/** Handshake, review and 101. */
const CONNECT_MS = 15_000

/** Why connecting failed where a replica knows no waiters: an older version, or one that runs without them. */
export const TAKES_NO_WAITERS = 'the lease service takes no waiters'

export interface LinkConnection {
  serverName: string
  /** PEM of the CAs to believe. */
  caPem: () => Promise<string>
  /** The waiter's own, bound to its pod. */
  token: () => Promise<string>
  /** Of the Service's name. */
  lookup?: LookupFunction
  /** Keeps TLS sessions. */
  agent?: Agent
}

/**
 * Connects to the replica at `address` (host:port). Rejects with what went wrong, as the replica says it if it does, or
 * as TAKES_NO_WAITERS.
 */
export async function connectLink(connection: LinkConnection, address: string, signal: AbortSignal): Promise<Socket> {
  const [ca, token] = await Promise.all([connection.caPem(), connection.token()])
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const call = request(new URL(`https://${address}${NODE_PATH}`), {
    headers: { authorization: `Bearer ${token}`, connection: 'Upgrade', upgrade: NODE_UPGRADE },
    ca,
    servername: connection.serverName,
    minVersion: MIN_TLS_VERSION,
    timeout: CONNECT_MS,
    signal,
    ...(connection.lookup && { lookup: connection.lookup }),
    ...(connection.agent && { agent: connection.agent }),
  })
  call.on('upgrade', (_response, socket, head) => {
    socket.setTimeout(0)
    if (head.length > 0) socket.unshift(head)
    resolve(socket as Socket)
  })
  call.on('response', response => {
    let text = ''
    response.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString('utf8')).slice(0, 4_096)
    })
    response.on('end', () => {
      const { statusCode } = response
      reject(new Error(statusCode === 404 ? TAKES_NO_WAITERS : refusalOf(statusCode, text)))
    })
    response.on('error', reject)
  })
  limitConnecting(call, address)
  call.on('timeout', () => call.destroy(new Error(`no word from ${address} for ${CONNECT_MS / 1_000} s`)))
  call.on('error', reject)
  call.end()
  return promise
}
