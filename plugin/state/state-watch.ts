import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import type { State, StateChanges, StateQuery } from '../../core/state-api.ts'
import { applyChanges } from '../../core/state-changes.ts'
import { leaderEvents } from './leader-events.ts'
import type { LeaderAccess } from './state-client.ts'

const RETRY_MS = 1_000

export interface WatchOptions extends LeaderAccess {
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

async function watchOnce({ query, signal, onState, ...where }: WatchOptions, first: () => void): Promise<void> {
  let state: State | undefined
  for await (const { event, data } of leaderEvents(where, query, signal)) {
    state = stateAfter(state, event, data)
    if (!state) continue
    first()
    onState(state)
  }
}

function stateAfter(state: State | undefined, event: string, data: string): State | undefined {
  if (event === 'state') return JSON.parse(data) as State
  if (event === 'changes' && state) return applyChanges(state, JSON.parse(data) as StateChanges)
  return state
}
