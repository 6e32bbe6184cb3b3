import { StringDecoder } from 'node:string_decoder'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import type { UserCluster } from '../../core/kube/user-cluster.ts'
import { KEEP_ALIVE_MS, type State, type StateChanges, type StateQuery } from '../../core/state-api.ts'
import { applyChanges } from '../../core/state-changes.ts'
import { EventLines } from './event-lines.ts'
import { ask, refused, stateClient } from './state-client.ts'

const DEAD_AFTER_MS = 3 * KEEP_ALIVE_MS
const RETRY_MS = 1_000

export interface WatchOptions {
  cluster: UserCluster
  startgateNamespace: string | undefined
  query: StateQuery
  signal: AbortSignal
  onState(state: State): void
  /** Between two connections: what is wrong. */
  onTrouble(sentence: string): void
}

/**
 * Follows the state until the signal says so, over changes of the leader: each time the watch ends the leader is looked
 * for again. Throws Failure only when the first attempt fails.
 */
export async function followState(options: WatchOptions): Promise<void> {
  const { signal, onTrouble } = options
  for (let hadOne = false; !signal.aborted; ) {
    try {
      await watchOnce(options, () => {
        hadOne = true
      })
      onTrouble('the leader has ended the watch; looking for the leader')
    } catch (error) {
      if (signal.aborted) return
      if (!hadOne) throw error
      onTrouble(messageOf(error))
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
  }
}

async function watchOnce({ cluster, startgateNamespace, query, signal, onState }: WatchOptions, first: () => void) {
  const client = await stateClient(cluster, startgateNamespace)
  const dead = new AbortController()
  const watchdog = setTimeout(() => dead.abort(), DEAD_AFTER_MS)
  const answer = await ask(client, { ...query, watch: true }, AbortSignal.any([signal, dead.signal]))
  const lines = new EventLines()
  const decoder = new StringDecoder('utf8')
  let state: State | undefined
  let refusal = ''
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      watchdog.refresh()
      if (answer.statusCode !== 200) {
        refusal += decoder.write(chunk)
        continue
      }
      for (const { event, data } of lines.push(decoder.write(chunk))) {
        if (event === 'end') throw refused(0, data, query)
        state = stateAfter(state, event, data)
        if (!state) continue
        first()
        onState(state)
      }
    }
    if (answer.statusCode !== 200) throw refused(answer.statusCode ?? 0, refusal, query)
  } finally {
    clearTimeout(watchdog)
    answer.socket.destroy()
  }
}

function stateAfter(state: State | undefined, event: string, data: string): State | undefined {
  if (event === 'state') return JSON.parse(data) as State
  if (event === 'changes' && state) return applyChanges(state, JSON.parse(data) as StateChanges)
  return state
}
