import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

/** Objects made as they are asked for, as JSON. */
export interface Collection {
  count: number
  json: (i: number) => string
}

/** Who watches a collection. */
export class Watchers {
  readonly #open = new Set<ServerResponse>()

  add(response: ServerResponse): void {
    this.#open.add(response)
    response.once('close', () => this.#open.delete(response))
  }

  send(line: string): void {
    for (const response of this.#open) response.write(line)
  }
}

export interface CollectionRequest {
  collection: Collection
  watchers: Watchers
  query: URLSearchParams
  response: ServerResponse
  isStreaming: boolean
  version: () => number
}

/** Answers a list, a page of one, a watch, or a streaming list that goes on as a watch, as an API server does. */
export async function serveCollection(request: CollectionRequest): Promise<void> {
  const { query, response, watchers, isStreaming } = request
  const wantsInitial = query.get('sendInitialEvents') === 'true'
  if (query.get('watch') !== 'true') return servePage(request)
  if (query.has('sendInitialEvents') && !isStreaming) {
    const message = 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled'
    response.writeHead(422).end(JSON.stringify({ code: 422, reason: 'Invalid', message }))
    return
  }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  if (wantsInitial) await sendInitial(request)
  watchers.add(response)
}

async function sendInitial({ collection, response, version }: CollectionRequest): Promise<void> {
  const resourceVersion = String(version())
  for (let i = 0; i < collection.count && !response.destroyed; i++) {
    if (!response.write(`{"type":"ADDED","object":${collection.json(i)}}\n`)) await once(response, 'drain')
  }
  const metadata = { resourceVersion, annotations: { 'k8s.io/initial-events-end': 'true' } }
  response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata } })}\n`)
}

function servePage({ collection, query, response, version }: CollectionRequest): void {
  const [from, at] = (query.get('continue') ?? `0.${version()}`).split('.').map(Number)
  const start = from ?? 0
  const end = Math.min(collection.count, start + Number(query.get('limit') ?? collection.count))
  const items = Array.from({ length: end - start }, (_, i) => collection.json(start + i))
  const next = end < collection.count ? { continue: `${end}.${at}` } : {}
  response.end(`{"metadata":${JSON.stringify({ resourceVersion: String(at), ...next })},"items":[${items.join(',')}]}`)
}
