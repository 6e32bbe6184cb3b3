import { setTimeout as sleep } from 'node:timers/promises'
import type { StateQuery } from '../../core/state-api.ts'
import type { WaitingGate } from '../../core/state-rows.ts'
import { refusalCode } from '../state/refusal.ts'
import type { Read, Reader } from './feed.ts'

/** Of how many gates a page shows the whole line. */
const MOST_GATES = 20_000

export interface WholeLine {
  atMs: number
  total: number
  items: WaitingGate[]
}

/** The leader tells so much of one snapshot, and makes the next one after a second or more. */
const PAUSE_MS = 2_000
const MOST_PAUSES = 10

/**
 * All gates that wait, read page by page: a picture of a line that moves, so a gate may be missed. Each is there once,
 * in the order in which they were told. The leader is looked for once; where it is asked too much, it is left alone for
 * a while, ten times in all.
 */
export async function wholeLine(
  reader: Reader,
  query: StateQuery,
  pause: () => Promise<unknown> = () => sleep(PAUSE_MS),
): Promise<WholeLine> {
  const read = patient(await reader(), pause)
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

function patient(read: Read, pause: () => Promise<unknown>): Read {
  let pauses = 0
  return async query => {
    for (;;) {
      try {
        return await read(query)
      } catch (error) {
        if (refusalCode(error) !== 'TOO_MANY_QUESTIONS' || pauses === MOST_PAUSES) throw error
        pauses += 1
        await pause()
      }
    }
  }
}
