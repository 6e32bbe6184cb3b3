import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { StateQuery } from '../../core/state-api.ts'
import type { Timers } from '../../core/timers.ts'
import type { FeedEvent, Follow } from './feed.ts'
import { SECURITY_HEADERS } from './headers.ts'

/** The page takes the program for gone after three times that. */
const PING_MS = 10_000

/**
 * Passes on to one page what `follow` tells, as server-sent events, until the page hangs up. A page that does not read
 * is waited for: then the leader's watch is not read either, and what is kept here stays small.
 */
export async function relay(
  response: ServerResponse,
  query: StateQuery,
  { follow, timers }: { follow: Follow; timers: Timers },
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  response.on('error', () => undefined)
  response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': 'text/event-stream' })
  response.write('retry: 1000\n\n')
  const stopPings = timers.every(PING_MS, () => {
    if (!response.writableNeedDrain) response.write('event: ping\ndata: {}\n\n')
  })
  try {
    for await (const event of follow(query, gone.signal)) {
      if (response.destroyed) return
      if (!response.write(textOf(event))) await once(response, 'drain', { signal: gone.signal })
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error
  } finally {
    stopPings()
    response.end()
  }
}

function textOf(event: FeedEvent): string {
  const data = event.kind === 'trouble' ? JSON.stringify({ sentence: event.sentence }) : event.data
  return `event: ${event.kind}\ndata: ${data}\n\n`
}
