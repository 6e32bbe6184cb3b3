import { setTimeout as timeout } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import type { StateQuery } from '../../core/state-api.ts'
import type { ServerEvent } from '../state/event-lines.ts'
import type { FeedEvent, Follow } from './feed.ts'

/** Watches the leader of now. Ends, or throws an error whose message is a sentence, when that ends. */
export type Watch = (query: StateQuery, signal: AbortSignal) => AsyncIterable<ServerEvent>

const FIRST_WAIT_MS = 1_000
/** For who may not read, or has no cluster: nobody is disturbed by a page that is left open. */
const LONGEST_WAIT_MS = 15_000

const systemSleep: Sleep = (ms, signal) => timeout(ms, undefined, { signal }).catch(() => undefined)

/** Comes back after so many ms, or when the signal says so. Never rejects. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>

/** Watches again and again, at once after one that has told something, and ever more rarely while it is in vain. */
export function followed(watch: Watch, sleep: Sleep = systemSleep): Follow {
  return async function* follow(query, signal): AsyncGenerator<FeedEvent> {
    for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      for await (const event of once(watch, query, signal)) {
        if (event.kind !== 'trouble') waitMs = FIRST_WAIT_MS / 2
        yield event
      }
      await sleep(waitMs, signal)
    }
  }
}

/** One watch, and at its end why it ended. */
async function* once(watch: Watch, query: StateQuery, signal: AbortSignal): AsyncGenerator<FeedEvent> {
  let sentence = 'the leader has ended the watch; looking for the one that leads now'
  try {
    for await (const { event, data } of watch(query, signal))
      if (event === 'state' || event === 'changes') yield { kind: event, data }
  } catch (error) {
    sentence = messageOf(error)
  }
  if (!signal.aborted) yield { kind: 'trouble', sentence }
}
