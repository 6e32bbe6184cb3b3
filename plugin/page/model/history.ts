import type { State } from '../../../core/state-api.ts'
import { inForce } from './in-force.ts'
import { createRing, type Ring } from './ring.ts'

/** Columns of a sample. `at` is in whole seconds since the epoch, as the chart wants it. */
const COLUMNS = [
  'at',
  'startHeld',
  'startLimit',
  'startWaiting',
  'pullHeld',
  'pullLimit',
  'pullWaiting',
  'granted',
] as const
export type Column = (typeof COLUMNS)[number]
export type Sample = readonly (number | null)[]

/** A sample a second for a quarter of an hour, and one a minute for a day: all that is ever kept. */
export interface History {
  seconds: Ring
  minutes: Ring
}

export const SECONDS_KEPT = 900
export const MINUTES_KEPT = 1_440
const MINUTE_S = 60

export function createHistory(): History {
  return { seconds: createRing(COLUMNS.length, SECONDS_KEPT), minutes: createRing(COLUMNS.length, MINUTES_KEPT) }
}

/** What is drawn of one moment. `granted`: gates let go since the page looks. */
export function sampleOf(state: State, atMs: number, granted: number): Sample {
  const [start, pull] = [inForce(state, 'start'), inForce(state, 'pull')]
  const waiting = waitingSlots(state)
  return [
    Math.round(atMs / 1000),
    ...[start.held + start.debt, start.limit ?? null, waiting.start],
    ...[pull.held + pull.debt, pull.limit ?? null, waiting.pull],
    granted,
  ]
}

/** A moment of which nothing is known: the line is broken there. */
export function gapAt(atMs: number): Sample {
  return [Math.round(atMs / 1000)]
}

function waitingSlots({ namespace, totals, waiting }: State): { start: number; pull: number } {
  if (namespace === undefined) return { start: totals.start.slots, pull: totals.pull.slots }
  const count = { start: 0, pull: 0 }
  for (const { resource, slots } of waiting.items) count[resource] += slots
  return count
}

/** Takes a sample, at most one a second; of each minute the first one is kept for the day. */
export function record(history: History, sample: Sample): void {
  const at = sample[0] ?? 0
  const latest = lastAt(history.seconds)
  if (latest !== undefined && at <= latest) return
  history.seconds.push(sample)
  const latestMinute = lastAt(history.minutes)
  if (latestMinute === undefined || at - latestMinute >= MINUTE_S) history.minutes.push(sample)
}

function lastAt(ring: Ring): number | undefined {
  return ring.latest()?.[0] ?? undefined
}

/** Some columns of the last quarter of an hour, or of the day. */
export function drawn(history: History, span: 'seconds' | 'minutes', columns: readonly Column[]): (number | null)[][] {
  const all = history[span].columns()
  return columns.map(name => all[COLUMNS.indexOf(name)] ?? [])
}

/** Gates let go in each second, over the last `seconds`; undefined when it has been watched for less than five. */
export function grantRate({ seconds: ring }: History, seconds = 60): number | undefined {
  const [at = [], granted = []] = [0, COLUMNS.indexOf('granted')].map(i => ring.columns()[i] ?? [])
  const last = at.length - 1
  const lastAtS = at[last]
  if (lastAtS === null || lastAtS === undefined) return undefined
  let first = last
  while (first > 0 && granted[first - 1] !== null && lastAtS - (at[first - 1] ?? 0) <= seconds) first -= 1
  const took = lastAtS - (at[first] ?? lastAtS)
  return took < 5 ? undefined : ((granted[last] ?? 0) - (granted[first] ?? 0)) / took
}
