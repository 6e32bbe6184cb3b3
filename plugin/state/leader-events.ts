import type { IncomingMessage } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import { KEEP_ALIVE_MS, type StateQuery } from '../../core/state-api.ts'
import { EventLines, type ServerEvent } from './event-lines.ts'
import { refusalCode } from './refusal.ts'
import { ask, type LeaderAccess, refused, stateClient } from './state-client.ts'

const DEAD_AFTER_MS = 3 * KEEP_ALIVE_MS
/** Longer than any refusal. */
const MOST_REFUSAL = 64 * 1024

/**
 * What the leader of now tells on a watch, until it or the signal ends it. Throws Failure with a sentence where it
 * cannot be watched, refuses, says `end` or breaks off; ends without a word when the connection does. A token lasts ten
 * minutes and a watch may last for days: where it was good and is so no more, the watch begins anew with another one,
 * and `state` comes again.
 */
export async function* leaderEvents(
  access: LeaderAccess,
  query: StateQuery,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent> {
  for (;;) {
    let wasGood = false
    try {
      for await (const event of watched(access, query, signal)) {
        wasGood = true
        yield event
      }
      return
    } catch (error) {
      if (!wasGood || refusalCode(error) !== 'TOKEN_INVALID') throw error
    }
  }
}

/** One watch. */
async function* watched(access: LeaderAccess, query: StateQuery, signal: AbortSignal): AsyncGenerator<ServerEvent> {
  const client = await stateClient(access)
  const dead = new AbortController()
  const watchdog = setTimeout(() => dead.abort(), DEAD_AFTER_MS)
  try {
    const answer = await ask(client, { ...query, watch: true }, AbortSignal.any([signal, dead.signal]))
    yield* eventsOf(answer, query, () => void watchdog.refresh())
  } finally {
    clearTimeout(watchdog)
  }
}

/** The events of one answer. `heard`: something came. Closes the connection at the end. */
export async function* eventsOf(
  answer: IncomingMessage,
  query: StateQuery,
  heard: () => void = () => undefined,
): AsyncGenerator<ServerEvent> {
  const lines = new EventLines()
  const decoder = new StringDecoder('utf8')
  try {
    if (answer.statusCode !== 200) throw refused(answer.statusCode ?? 0, await beginningOf(answer), query)
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      heard()
      for (const event of lines.push(decoder.write(chunk))) {
        if (event.event === 'end') throw refused(0, event.data, query)
        yield event
      }
    }
  } finally {
    answer.socket.destroy()
  }
}

async function beginningOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8')
    if (text.length > MOST_REFUSAL) break
  }
  return text
}
