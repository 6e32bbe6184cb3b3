import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { messageOf } from '../../core/errors.ts'
import {
  type ErrorBody,
  type GateMessage,
  type GateRequest,
  gatePath,
  HEARTBEAT_MS,
  PRESSURE_PATH,
  type PressureRequest,
} from '../../core/lease-api.ts'
import { TOKEN_DIRECTORY } from '../../core/names.ts'
import { MIN_TLS_VERSION } from '../../core/serving-tls.ts'
import type { GateConfig, LeaseConfig } from './config.ts'
import { limitConnecting } from './connect-limit.ts'
import { createJsonLines } from './json-lines.ts'

/**
 * Silence for three heartbeats means that the other side, or the way to it, is gone; also the limit for the handshake.
 */
const SILENCE_MS = 3 * HEARTBEAT_MS

export interface LeaseClient {
  /**
   * Sends one request to `address` and hands on every message of the answer. Resolves with the reason when the answer
   * ends, for whatever cause; never rejects. Abort the signal to end it early.
   */
  ask(
    address: string,
    body: GateRequest,
    signal: AbortSignal,
    onMessage: (message: GateMessage) => void,
  ): Promise<string>
}

/** Of a gate that asks by itself. */
export interface DirectClient extends LeaseClient {
  /** Tells `address` the load of the node. Never rejects: who needs it will ask again. */
  tellPressure(address: string, body: PressureRequest, signal: AbortSignal): Promise<void>
}

/** A gate's way to the lease service. */
export function createLeaseClient(config: GateConfig, tokenPath?: string): DirectClient {
  const post = createLeasePost(config, tokenPath)
  return {
    ask: (address, body, signal, onMessage) =>
      post({ address, path: gatePath(config.gate), body, signal, onValue: value => onMessage(value as GateMessage) }),
    tellPressure: async (address, body, signal) =>
      void (await post({ address, path: PRESSURE_PATH, body, signal, onValue: () => undefined })),
  }
}

export interface LeaseCall {
  /** `host:port`. */
  address: string
  path: string
  body: object
  signal: AbortSignal
  /** Gets each JSON line of an answer with status 200. */
  onValue: (value: unknown) => void
}

/** How the call ended: `ANSWER_ENDED` when a whole answer with status 200 came, else what went wrong. */
export type LeasePost = (call: LeaseCall) => Promise<string>

export const ANSWER_ENDED = 'the lease service ended its answer'

/**
 * Talks to the lease service over TLS: the server must show a certificate for `serverName` from one of the CAs given.
 * Never rejects.
 */
export function createLeasePost(config: LeaseConfig, tokenPath = `${TOKEN_DIRECTORY}/token`): LeasePost {
  // Keeps no connection, but TLS sessions: a gate that is told to come back later costs both sides half as much then.
  const agent = new Agent()
  return async call => {
    try {
      // Read anew each time: the kubelet renews it.
      const token = (await readFile(tokenPath, 'utf8')).trim()
      return await exchange({ config, token, agent }, call)
    } catch (error) {
      return messageOf(error)
    }
  }
}

function exchange(
  { config, token, agent }: { config: LeaseConfig; token: string; agent: Agent },
  { address, path, body, signal, onValue }: LeaseCall,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const url = new URL(`https://${address}${path}`)
    const text = JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    }
    const call = request(
      url,
      {
        method: 'POST',
        headers,
        ca: config.caPem,
        servername: config.serverName,
        minVersion: MIN_TLS_VERSION,
        timeout: SILENCE_MS,
        signal,
        agent,
      },
      response => {
        const lines = createJsonLines()
        let refusal = ''
        response.on('data', (chunk: Buffer) => {
          if (response.statusCode !== 200) {
            refusal = (refusal + chunk.toString('utf8')).slice(0, 4096)
            return
          }
          try {
            for (const value of lines(chunk)) onValue(value)
          } catch (error) {
            call.destroy(error as Error)
          }
        })
        response.on('end', () =>
          resolve(response.statusCode === 200 ? ANSWER_ENDED : refusalOf(response.statusCode, refusal)),
        )
        response.on('error', reject)
      },
    )
    limitConnecting(call, address)
    call.on('timeout', () => call.destroy(new Error(`no word from ${address} for ${SILENCE_MS / 1000} s`)))
    call.on('error', reject)
    call.end(text)
  })
}

/** What a replica that did not answer with 200 has said. */
export function refusalOf(status: number | undefined, text: string): string {
  try {
    const { code, message } = JSON.parse(text) as ErrorBody
    return `${code}: ${message}`
  } catch {
    return `HTTP ${status ?? '?'} from the lease service`
  }
}
