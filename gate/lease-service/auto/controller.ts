import { type Demand, NO_DEMAND, observeDemand } from './demand.ts'
import { hastyGrowth, slowGrowth } from './growth.ts'
import { farOverOf, fewestFor, fullOf, isCrowded, type Load, loadOf } from './load.ts'
import type { AutoSample } from './sample.ts'
import { countFinished, hasFallen, newThroughput, type Throughput, underLimit } from './throughput.ts'

/** Between these a node's limit may be. */
export interface AutoBounds {
  /** Where nothing is known: what each herd begins with, unless less was learned. */
  first: number
  max: number
}

/** What is known of one node's automatic start limit. Times are monotonic ms. */
export interface AutoState {
  readonly limit: number
  readonly changedAtMs: number
  /** Starts under this limit have run for a while, so that the figures show them. */
  readonly isSettled: boolean
  /** The last few since then. */
  readonly samples: readonly AutoSample[]
  readonly seenAtMs: number
  /** From the sample before that to it. */
  readonly gapMs: number
  readonly throughput: Throughput
  /** Of one start, whatever the limit was. */
  readonly demand: Demand
  readonly noRaiseBeforeMs: number
  readonly noCutBeforeMs: number
  /** Why it was cut, as long as that forbids a raise. */
  readonly cause: string | undefined
  /** What the node was like at the last sample, in words: `CPU 96 % busy`. */
  readonly reason: string
}

/** A herd that comes after so long without anybody who waits may be of quite another kind. */
export const REST_MS = 60_000
/** A gap in the samples after which the ones before say nothing. */
const GAP_MS = 3_500
/** Where thousands of nodes tell, each is asked for less: so many times what lay between the last two may go by. */
const MISSED_SAMPLES = 2.5
/** With that, but no longer. */
const LONGEST_GAP_MS = 15_000
/** So many samples make a mean: `procs_running` is of one moment. */
const MOST_SAMPLES = 6
const ENOUGH_SAMPLES = 3
/** Containers that were not seen running by then are not waited for. */
const SETTLE_MS = 5_000
const CUT = 0.7
/** Until a cut shows in figures of 10 s. */
const CUT_PAUSE_MS = 10_000
const NO_RAISE_AFTER_HARM_MS = 30_000
const NO_RAISE_AFTER_FALL_MS = 60_000
/** Who waits for a disk leaves its queue empty between two requests: two are needed to keep it busy. */
const FEWEST_FOR_DISK = 2

/** `learned`: the limit that did here before. */
export function newAuto(bounds: AutoBounds, nowMs: number, learned?: number): AutoState {
  const limit = clamp(learned ?? bounds.first, bounds)
  return {
    limit,
    changedAtMs: nowMs,
    isSettled: false,
    samples: [],
    seenAtMs: nowMs,
    gapMs: 0,
    throughput: newThroughput(limit),
    demand: NO_DEMAND,
    noRaiseBeforeMs: nowMs,
    noCutBeforeMs: nowMs,
    cause: undefined,
    reason: 'no figures yet',
  }
}

/**
 * Folds one more second of a node into its start limit: the fewest starts at a time that keep the node busy. It grows
 * fast while the node idles although somebody waits, stays where the node is busy, and is cut where fewer would be
 * better. Not by how long starts take: there are few of them, and they differ. Pure; constant time.
 */
export function advanceAuto(before: AutoState, sample: AutoSample, bounds: AutoBounds): AutoState {
  const rested = clamped(afterRest(before, sample, bounds), sample, bounds)
  const state = seen(rested, sample)
  const load = loadOf(state.samples.length > 0 ? state.samples : [sample])
  const cut = cutOf(state, load, sample)
  const next = cut ?? trimmed(state, load, sample) ?? raised(state, sample, bounds) ?? state
  return { ...next, reason: reasonOf(next, loadOf([sample])) }
}

/** How long after the last sample it still tells of now, at least `leastMs`. */
export function freshForMs({ gapMs }: AutoState, leastMs: number): number {
  return Math.max(leastMs, Math.min(LONGEST_GAP_MS, MISSED_SAMPLES * gapMs))
}

function clamp(limit: number, { max }: AutoBounds): number {
  // What is no number comes to one: a figure that makes no sense must not let everything go.
  return Math.max(1, Math.min(Math.floor(limit) || 1, max))
}

function afterRest(state: AutoState, { nowMs }: AutoSample, { first }: AutoBounds): AutoState {
  const restedMs = nowMs - state.seenAtMs
  if (restedMs > REST_MS)
    return { ...withLimit(state, Math.min(state.limit, first), nowMs), isSettled: false, demand: NO_DEMAND }
  return restedMs > freshForMs(state, GAP_MS) ? { ...state, samples: [], demand: NO_DEMAND } : state
}

function clamped(state: AutoState, { nowMs }: AutoSample, bounds: AutoBounds): AutoState {
  const limit = clamp(state.limit, bounds)
  return limit === state.limit ? state : withLimit(state, limit, nowMs)
}

function withLimit(state: AutoState, limit: number, nowMs: number): AutoState {
  return {
    ...state,
    limit,
    changedAtMs: nowMs,
    // Fewer need not be waited for.
    isSettled: limit < state.limit && state.isSettled,
    samples: [],
    throughput: underLimit(state.throughput, limit, nowMs),
  }
}

function seen(state: AutoState, sample: AutoSample): AutoState {
  const { nowMs, running, held, ended } = sample
  const throughput = countFinished(state.throughput, ended.finished, nowMs)
  const cause = nowMs < state.noRaiseBeforeMs ? state.cause : undefined
  const gapMs = nowMs - state.seenAtMs
  const demand = observeDemand(state.demand, sample, gapMs / 1_000)
  const known = { ...state, seenAtMs: nowMs, gapMs, throughput, demand, cause }
  if (state.isSettled) return { ...known, samples: [...state.samples, sample].slice(-MOST_SAMPLES) }
  // The second that this sample is of began before.
  const shows = running > 0 && running * 2 >= Math.min(held, state.limit)
  return { ...known, isSettled: shows || nowMs - state.changedAtMs >= SETTLE_MS }
}

/** A cut for a reason that means harm; undefined where there is none, or the last cut has not shown yet. */
function cutOf(state: AutoState, load: Load, { nowMs, ended, held }: AutoSample): AutoState | undefined {
  if (nowMs < state.noCutBeforeMs) return undefined
  // One cut after the other has to show before the next: slots that are held cannot be taken back.
  const hasShown = state.samples.length >= ENOUGH_SAMPLES && held <= state.limit
  const far = hasShown ? farOverOf(load) : undefined
  const isLoaded = fullOf(load) !== undefined
  const fell = isLoaded && hasFallen(state.throughput, nowMs)
  const cause = ended.evicted > 0 ? 'pods are evicted' : isLoaded ? harmOf(ended) : undefined
  if (cause) return cutTo(state, { least: 1, cause, noRaiseMs: NO_RAISE_AFTER_HARM_MS }, nowMs)
  if (fell)
    return cutTo(state, { least: 1, cause: 'more at a time were slower', noRaiseMs: NO_RAISE_AFTER_FALL_MS }, nowMs)
  if (far === 'memory')
    return cutTo(state, { least: 1, cause: 'short of memory', noRaiseMs: NO_RAISE_AFTER_HARM_MS }, nowMs)
  const isBelow = state.limit <= FEWEST_FOR_DISK
  return far === 'disk' && !isBelow ? cutTo(state, { least: FEWEST_FOR_DISK, noRaiseMs: 0 }, nowMs) : undefined
}

/** On a node with idle capacity a start that does not end, or is killed, has a reason of its own. */
function harmOf({ timedOut, killed, oomKilled }: AutoSample['ended']): string | undefined {
  if (oomKilled > 0) return 'containers run out of memory'
  if (killed > 0) return 'containers are killed while they start'
  return timedOut > 0 ? 'starts time out' : undefined
}

function cutTo(
  state: AutoState,
  { least, cause, noRaiseMs }: { least: number; cause?: string; noRaiseMs: number },
  nowMs: number,
): AutoState {
  const limit = Math.max(least, Math.floor(state.limit * CUT))
  const paused = { noRaiseBeforeMs: nowMs + noRaiseMs, noCutBeforeMs: nowMs + CUT_PAUSE_MS, cause }
  return { ...withLimit(state, limit, nowMs), ...paused, throughput: newThroughput(limit) }
}

/** More starts than CPUs have use for are taken back, a step at a time; where slots are free it is not their doing. */
function trimmed(state: AutoState, load: Load, { nowMs }: AutoSample): AutoState | undefined {
  if (load.samples < ENOUGH_SAMPLES || !isCrowded(load) || load.held <= state.limit - 1) return undefined
  const limit = Math.max(1, Math.floor(state.limit * CUT), fewestFor(load))
  return limit < state.limit ? withLimit(state, limit, nowMs) : undefined
}

function raised(state: AutoState, sample: AutoSample, bounds: AutoBounds): AutoState | undefined {
  if (!sample.isShort || sample.nowMs < state.noRaiseBeforeMs) return undefined
  const limit = Math.max(clamp(slowGrowth(state, sample), bounds), clamp(hastyGrowth(state, sample), bounds))
  return limit > state.limit ? withLimit(state, limit, sample.nowMs) : undefined
}

function reasonOf({ cause }: AutoState, load: Load): string {
  const percent = (part: number): string => `${Math.round(part * 100)} %`
  const full = fullOf(load)
  const why =
    cause ??
    (full === 'disk' ? `disk busy, waited for in ${percent(load.ioWait)}` : undefined) ??
    (full === 'memory' ? `memory pressure of ${Math.round(load.memory)} %` : undefined)
  return `CPU ${percent(load.busy)} busy${why ? `, ${why}` : ''}`
}
