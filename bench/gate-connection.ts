import { Agent, request } from 'node:https'
import type { SecureContext } from 'node:tls'
import { messageOf } from '../core/errors.ts'
import { type GateMessage, type GateRequest, gatePath } from '../core/lease-api.ts'
import { limitConnecting } from '../gate/pod/connect-limit.ts'
import { createJsonLines } from '../gate/pod/json-lines.ts'
import type { LeaseClient } from '../gate/pod/lease-client.ts'

export interface ConnectionOptions {
  serverName: string
  /**
   * One for all gates: each of ten thousand that reads the CA anew would keep this process busy for seconds before it
   * connects.
   */
  secureContext: SecureContext
  token: string
}

/** A gate's connections as its own client makes them, a new one a request, but for the shared TLS context. */
export function gateConnection({ serverName: servername, secureContext, token }: ConnectionOptions): LeaseClient {
  const agent = new Agent()
  return {
    ask: (address, body, signal, onMessage) =>
      new Promise(resolve => {
        const text = JSON.stringify(body satisfies GateRequest)
        const headers = {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        }
        const url = new URL(`https://${address}${gatePath('startgate-start')}`)
        const how = {
          method: 'POST',
          headers,
          servername,
          secureContext,
          timeout: 15_000,
          signal,
          agent,
        } as const
        const call = request(url, how, response => {
          const lines = createJsonLines()
          response.on('data', (chunk: Buffer) => {
            for (const value of lines(chunk)) onMessage(value as GateMessage)
          })
          response.on('end', () => resolve(`HTTP ${response.statusCode}`))
          response.on('error', error => resolve(messageOf(error)))
        })
        limitConnecting(call, address)
        call.on('timeout', () => call.destroy(new Error('no word')))
        call.on('error', error => resolve(messageOf(error)))
        call.end(text)
      }),
  }
}
