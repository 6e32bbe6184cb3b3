import type { WaitCause, Waiting } from '../model/grant.ts'
import type { ReconnectTimes } from './reconnect-times.ts'

/**
 * Places of one line whose gates keep their connection. Enough that a line which moves by 30 a second does not run dry
 * in the shortest absences; bounds what waiting costs the leader.
 */
export const CONNECTED_PLACES = 1_000

/**
 * Open answers of all lines and agents together, at any time: one costs 80 to 130 KiB (bench/), and the chart's memory
 * limit leaves room for these.
 */
export const MAX_STREAMS = 10_000
/** Of these, for gates that have come since the last step and have not been told yet whether to stay. */
export const ARRIVING_STREAMS = 1_000
/** Of these, for agents. One that has no place comes back in turn and is told what has changed. */
export const MAX_AGENT_STREAMS = 3_000
/**
 * Of these, for gates that stand in no line: what they wait for is no limit, so nothing is lost by coming back late.
 */
export const MAX_UNQUEUED_STREAMS = 3_000
/**
 * Beside MAX_STREAMS, gates that wait through their nodes' waiters. One costs no connection but some 2 KiB, so all of
 * them stay: more than twice what clusters of 5,000 nodes have starting at once.
 */
export const MAX_SHARED_STREAMS = 250_000

export const MIN_RECONNECT_DELAY_MS = 5_000
/** An estimate is not trusted for longer: order is computed from those who are there. */
const LONGEST_ESTIMATE_MS = 30_000

export interface Room {
  /** Agents that are connected. */
  agents: number
  reconnectTimes: ReconnectTimes
  nowMs: number
  /** In [0, 1). */
  random: () => number
  /** Whether a gate waits through its node's waiter; none does where this is absent. */
  isShared?: (key: string) => boolean
}

/**
 * Each who waits, with how long its gate should be away; undefined while it should stay. Those stay that are nearest to
 * their turn: the first of each line, then the second of each, up to CONNECTED_PLACES, while there is room, and all
 * that cost no connection. Nobody loses a place by going, since order comes from the pod, and who is away when a slot
 * gets free blocks nobody.
 */
export function* reconnectDelays(waiting: readonly Waiting[], room: Room): Iterable<[Waiting, number | undefined]> {
  const { isShared = () => false } = room
  const own = waiting.filter(({ key }) => !isShared(key))
  const unqueuedStreams = Math.min(MAX_UNQUEUED_STREAMS, own.filter(isUnqueued).length)
  const inLine = MAX_STREAMS - ARRIVING_STREAMS - Math.min(room.agents, MAX_AGENT_STREAMS) - unqueuedStreams
  const connected = connectedPlaces(own, inLine)
  let unqueuedLeft = unqueuedStreams
  let moreLeft = connected.more
  for (const row of waiting) {
    if (isShared(row.key)) {
      yield [row, undefined]
      continue
    }
    const stays = isUnqueued(row)
      ? unqueuedLeft-- > 0
      : row.place <= connected.places || (row.place === connected.places + 1 && moreLeft-- > 0)
    yield [
      row,
      stays ? undefined : room.reconnectTimes.afterMs(row.key, minReconnectDelayMs(row, connected.places), room),
    ]
  }
}

/** How many places of each line there is room for, and how many gates at the next place stay besides. */
export function connectedPlaces(waiting: readonly Waiting[], room: number): { places: number; more: number } {
  if (waiting.length <= room) return { places: CONNECTED_PLACES, more: 0 }
  const at = new Array<number>(CONNECTED_PLACES + 1).fill(0)
  for (const row of waiting)
    if (!isUnqueued(row) && row.place <= CONNECTED_PLACES) at[row.place] = (at[row.place] ?? 0) + 1
  let left = room
  for (let place = 1; place <= CONNECTED_PLACES; place++) {
    const count = at[place] ?? 0
    if (count > left) return { places: place - 1, more: left }
    left -= count
  }
  return { places: CONNECTED_PLACES, more: 0 }
}

/** For each cause, whether who waits for it stands in a line for slots; if not, its turn depends on no slot. */
const IS_IN_LINE: Record<WaitCause, boolean> = {
  full: true,
  behind: true,
  oversize: true,
  frozen: true,
  order: false,
  'node-lost': false,
  'pod-unknown': false,
  'set-aside': false,
}

function isUnqueued({ cause }: Waiting): boolean {
  return !IS_IN_LINE[cause]
}

/** Until its place is one of those connected, as far as that can be told: the line may be new or frozen. */
export function minReconnectDelayMs(
  { place, estimateMs }: Pick<Waiting, 'place' | 'estimateMs'>,
  connected: number,
): number {
  const untilConnectedMs = ((estimateMs ?? 0) * (place - connected)) / place
  return Math.min(LONGEST_ESTIMATE_MS, Math.max(MIN_RECONNECT_DELAY_MS, untilConnectedMs))
}
