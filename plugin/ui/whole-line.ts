import type { StateQuery, WaitingGate } from '../../core/state-api.ts'
import type { Read } from './feed.ts'

/** Of how many gates a page shows the whole line. */
export const MOST_GATES = 20_000

export interface WholeLine {
  atMs: number
  total: number
  items: WaitingGate[]
}

/**
 * All gates that wait, read page by page: a picture of a line that moves, so a gate may be missed. Each is there once,
 * in the order in which they were told.
 */
export async function wholeLine(read: Read, query: StateQuery): Promise<WholeLine> {
  const gates = new Map<string, WaitingGate>()
  let next: string | undefined
  for (;;) {
    const { atMs, waiting } = await read(next === undefined ? query : { ...query, continue: next })
    for (const gate of waiting.items) gates.set(gate.id, gate)
    next = waiting.continue
    if (next === undefined || waiting.items.length === 0 || gates.size >= MOST_GATES)
      return { atMs, total: waiting.total, items: [...gates.values()] }
  }
}
