import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageOf } from '../../core/errors.ts'
import type { StateQuery } from '../../core/state-api.ts'
import type { Timers } from '../../core/timers.ts'
import { judge } from './access.ts'
import type { Assets } from './assets.ts'
import type { Follow, Reader } from './feed.ts'
import { SECURITY_HEADERS } from './headers.ts'
import { pageQuery } from './query.ts'
import { relay } from './relay.ts'
import { wholeLine } from './whole-line.ts'

export interface UiDeps {
  assets: Assets
  follow: Follow
  reader: Reader
  /** Part of the address, which nobody can guess. */
  token: string
  /** Of which alone the page may tell. */
  namespace: string | undefined
  timers: Timers
  /** Sentences about faults of the program's own. */
  complain(sentence: string): void
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

/**
 * Followed at a time: one a tab, two where it asks for a pod or line of its own. A browser opens six connections to an
 * address: one has to be left for what else a tab asks for, or a sixth tab would hang without a word.
 */
const MOST_STREAMS = 5

/** The page and what it asks for. To be bound to 127.0.0.1. */
export function buildUiServer(deps: UiDeps): Server {
  let streams = 0
  const server = createServer((request, response) => {
    answer(request, response).catch(error => {
      deps.complain(messageOf(error))
      refuse(response, 500, 'a fault of kubectl startgate ui')
    })
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 10_000
  server.maxHeadersCount = 100
  return server

  async function answer({ method = '', url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { port } = server.address() as AddressInfo
    const verdict = judge({ method, url, headers }, { port, token: deps.token })
    if ('status' in verdict) return refuse(response, verdict.status, verdict.message)
    const file = fileOf(verdict.path, deps.assets)
    if (file) return void response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': file.type }).end(file.text)
    if (method !== 'GET') return refuse(response, 405, 'only GET is served here')
    return live(verdict, response)
  }

  async function live({ path, query }: { path: string; query: string }, response: ServerResponse): Promise<void> {
    if (path !== 'events' && path !== 'line') return refuse(response, 404, 'there is no such file')
    const asked = pageQuery(query, deps.namespace)
    if (!asked) return refuse(response, 400, 'namespace, pod and scope can be asked for, each with a value')
    if (path === 'line') return tellLine(response, asked)
    if (streams >= MOST_STREAMS) return refuse(response, 429, 'too many pages are open; close some')
    streams += 1
    return relay(response, asked, deps).finally(() => {
      streams -= 1
    })
  }

  async function tellLine(response: ServerResponse, query: StateQuery): Promise<void> {
    try {
      const text = JSON.stringify(await wholeLine(deps.reader, query))
      response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': 'application/json' }).end(text)
    } catch (error) {
      refuse(response, 502, messageOf(error))
    }
  }
}

function fileOf(path: string, { html, script, style, icon }: Assets): { type: string; text: string } | undefined {
  switch (path) {
    case '':
      return { type: TYPES.html, text: html }
    case 'page.js':
      return { type: TYPES.js, text: script }
    case 'page.css':
      return { type: TYPES.css, text: style }
    case 'icon.svg':
      return { type: TYPES.svg, text: icon }
    default:
      return undefined
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(status, { ...SECURITY_HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`)
}
