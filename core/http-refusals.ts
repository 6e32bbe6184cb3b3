import type { ServerResponse } from 'node:http'
import { cut, instead } from './errors.ts'

/** `message` is a sentence with the remedy. */
interface RefusalBody {
  code: string
  message: string
}

/** Why a caller is not served: the answer's status and JSON body. */
export interface Refusal<Body extends RefusalBody = RefusalBody> {
  status: number
  body: Body
}

/** One of a status and code of its own. */
export function refusal(status: number, code: string, message: string): Refusal {
  return { status, body: { code, message } }
}

/** Printable ASCII: most are JSON Web Tokens, but each authenticator of an API server has a form of its own. */
const BEARER = /^Bearer ([\x21-\x7e]{1,16384})$/i

/** The token of an `Authorization: Bearer …` header; undefined without one. */
export function bearerIn(header: string | undefined): string | undefined {
  return BEARER.exec(header ?? '')?.[1]
}

export const NO_TOKEN = refusal(
  401,
  'TOKEN_MISSING',
  instead('the authorization header has no bearer token', 'Authorization: Bearer TOKEN'),
)

/** `remedy` is the token to use. */
export function badToken(remedy: string): Refusal {
  return refusal(401, 'TOKEN_INVALID', instead('the API server refuses this token', remedy))
}

export const NOT_REVIEWED = refusal(
  503,
  'NOT_REVIEWED',
  'the API server could not be asked about this token; try again',
)

/** `right` is what may not be got, and whom to bind where so that it may. */
export function forbidden(right: string): Refusal {
  return refusal(403, 'FORBIDDEN', `this token's user may not get ${right}`)
}

/** `paths` are those that are served, with their methods. */
export function notFound(method: string, url: string, ...paths: string[]): Refusal {
  return refusal(404, 'NOT_FOUND', instead(`there is no ${cut(method)} ${JSON.stringify(cut(url))} here`, ...paths))
}

/** Sends a refusal; of an answer that has begun already, only the connection can be ended. */
export function refuse(response: ServerResponse, { status, body }: Refusal): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body))
}
