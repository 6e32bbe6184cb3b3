import type { State } from '../../../core/state-api.ts'
import { type Connection, connectionAfter } from '../model/connection.ts'
import { createMemory, type Memory, remember, secondPassed } from '../model/memory.ts'
import { createLeaderClock, type LeaderClock } from './clock.ts'
import { openFeed } from './feed.ts'

/** What all screens show. */
export interface View {
  state: State | undefined
  connection: Connection
  memory: Memory
  clock: LeaderClock
}

/** Follows everything that the reader may see; `changed` when there is something new to draw, and once a second. */
export function openStore(changed: () => void): { view: View; close: () => void } {
  const view: View = {
    state: undefined,
    connection: { kind: 'connecting' },
    memory: createMemory(),
    clock: createLeaderClock(Date.now),
  }
  const closeFeed = openFeed('events', {
    onState(state) {
      view.state = state
      view.clock.told(state.atMs)
      remember(view.memory, state)
      changed()
    },
    onConnection(event) {
      const before = view.connection
      view.connection = connectionAfter(before, event)
      if (view.connection !== before) changed()
    },
  })
  const ticks = setInterval(() => {
    const isLive = view.connection.kind === 'live'
    if (view.state) secondPassed(view.memory, isLive ? view.state : undefined, view.clock.nowMs())
    changed()
  }, 1_000)
  return {
    view,
    close() {
      clearInterval(ticks)
      closeFeed()
    },
  }
}
