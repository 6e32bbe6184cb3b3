import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface Asked {
  method: string
  url: string
  headers: IncomingHttpHeaders
}

export type Verdict = { path: string; query: string } | { status: number; message: string }

/**
 * Whether somebody may be answered who asks at 127.0.0.1:`port`, and for which path under the token. Any process and
 * any web page can send requests there, so all of this must hold:
 * - Host is this address: a page of a name that was made to point here (DNS rebinding) has another.
 * - Origin, where a browser sends one, is this address; and no other site asked, by Sec-Fetch-Site, but for opening the
 *   page itself, as by a link in a chat.
 * - The first part of the path is the token. Compared in constant time.
 */
export function judge({ method, url, headers }: Asked, { port, token }: { port: number; token: string }): Verdict {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, message: 'only GET is served here' }
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`]
  if (!hosts.includes(headers.host ?? '')) return { status: 421, message: `only ${hosts[0]} is served here` }
  const { origin } = headers
  if (origin !== undefined && !hosts.some(host => origin === `http://${host}`)) return OTHER_SITE
  const [, first = '', path = '', query = ''] = /^\/([^/?]{1,100})\/([^?]{0,200})(?:\?(.{0,2000}))?$/.exec(url) ?? []
  if (!isSame(first, token)) return WRONG_ADDRESS
  const site = headers['sec-fetch-site']
  const isOpening = path === '' && headers['sec-fetch-mode'] === 'navigate'
  if (site !== undefined && !['same-origin', 'none'].includes(String(site)) && !isOpening) return OTHER_SITE
  return { path, query }
}

const OTHER_SITE = { status: 403, message: 'a page of another site may not ask here' }
const WRONG_ADDRESS = {
  status: 404,
  message: 'not found: open the address that kubectl startgate ui has printed, with its token',
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}
