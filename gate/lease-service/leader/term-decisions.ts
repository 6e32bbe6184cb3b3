import { HEARTBEAT_MS } from '../../../core/lease-api.ts'
import type { Step } from '../ledger/step.ts'
import { type Grant, isFree, type Release } from '../model/grant.ts'
import { noteEnds } from './term-autos.ts'
import { guarded, setAside } from './term-facts.ts'
import { emit, podOf, publish, type TermState } from './term-state.ts'

/** A wake-up that was reckoned too late costs no more than this. */
const LONGEST_MS = 30_000
/** So many are told at every step: it costs no more than the step. */
const FEW = 500
const TOLD_PER_SECOND = 20_000
/** All are told in so many parts, of so many at least. */
const TURNS = 10
const LEAST_OF_A_TURN = 1_000
/** A gate hears of its leader this often in any case. */
const LONGEST_TELL_S = 5
/** So that it is the tick of just that second after which all are told. */
const TICK_SLACK_MS = 500

/** Decides who may go now, and says so. */
export function decide(state: TermState): void {
  const { ledger, inputs, now, pressures } = state
  const nowMs = now.monotonicMs
  pressures.expire(nowMs)
  const step = ledger.step(nowMs, inputs.term, now.wallMs)
  heedTroubles(state, step)
  noteEnds(state, step)
  for (const release of step.releases) released(state, release)
  for (const grant of step.grants) granted(state, grant)
  for (const each of step.oversize) {
    const { key, ...oversize } = each
    publish(state, { kind: 'oversize', ...oversize, pod: podOf(state, key) })
  }
  for (const { key, reason } of step.passes) publish(state, { kind: 'passed', reason, pod: podOf(state, key) })
  tellDelays(state, step)
  tellWaiting(state, step)
  const ms = step.wakeAtMs === undefined ? undefined : Math.min(LONGEST_MS, step.wakeAtMs - nowMs)
  emit(state, { kind: 'step-in', ms })
  if (step.failure === undefined) state.failingSinceMs = undefined
}

/** A place in line is for people: 20,000 are told theirs each second, 100,000 each five. `go` is said at once. */
export function restOfTellingMs(waiting: number): number {
  const seconds = Math.min(LONGEST_TELL_S, Math.ceil(waiting / TOLD_PER_SECOND))
  return Math.max(1, seconds) * 1_000 - TICK_SLACK_MS
}

/** For how long a heartbeat is left to the gate's turn; 0 where all are told at once. */
export function turnsMs({ gates }: TermState): number {
  return gates.size > FEW && gates.areAllShared ? Math.min(HEARTBEAT_MS, restOfTellingMs(gates.size) + 1_000) : 0
}

/**
 * Says where they are to those who have just come, and to all who wait once after each tick. Where they are many it
 * goes by turns, a part of them at each step, so that no slot that comes back waits until thousands have been told.
 */
function tellWaiting(state: TermState, step: Step): void {
  const { rows } = step
  if (rows.size > FEW && state.gates.areAllShared) {
    tellTurn(state, step)
    return
  }
  state.toTell = []
  state.waits = []
  if (!state.gates.tell(rows, state.isTellDue || rows.size <= FEW)) return
  haveTold(state, rows.size)
}

function tellTurn(state: TermState, { rows }: Step): void {
  const isLate = state.isTellDue && state.toTell.length > 0
  if (state.isTellDue && !isLate) {
    state.toTell = rows.keys()
    state.waits = []
  }
  state.isTellDue = false
  const isTelling = state.toTell.length > 0
  // Late means that few steps came since the last tick: nothing happens, so nobody waits for the end of this one.
  const most = isLate ? state.toTell.length : Math.max(LEAST_OF_A_TURN, Math.ceil(rows.size / TURNS))
  state.gates.tellSome(rows, state.toTell.splice(0, most))
  if (!isTelling || state.toTell.length > 0) return
  // Those who were told at an earlier step may wait no more.
  const still = new Set(rows.keys())
  state.waits = state.waits.filter(([{ key }]) => still.has(key))
  haveTold(state, rows.size)
}

function haveTold(state: TermState, count: number): void {
  state.isTellDue = false
  state.tellFromMs = state.now.monotonicMs + restOfTellingMs(count)
  publish(state, { kind: 'waiting', rows: state.waits })
}

/** A grant is durable, or needs no Lease: its gate is told. */
export function answer(state: TermState, grant: Grant): void {
  const { waitedMs, answered } = state.gates.answer(grant)
  state.ledger.withdraw(grant.key)
  publish(state, { kind: 'granted', grant, waitedMs, answered })
}

/**
 * What could not be decided: single pods are told of; what concerns all is tried again, and if it lasts nobody is kept
 * waiting for it.
 */
function heedTroubles(state: TermState, { troubles, failure }: Step): void {
  for (const trouble of troubles) setAside(state, trouble)
  if (failure === undefined) return
  state.failingSinceMs ??= state.now.monotonicMs
  publish(state, { kind: 'decision-failed', error: failure })
}

/** Containers that were not ready in time, and pods that `after` holds back no more or will for ever. */
function tellDelays(state: TermState, { timeouts, overdue, cycles }: Step): void {
  for (const timeout of timeouts) {
    const pod = state.pods.get(timeout.grant.podUid)
    publish(state, { kind: 'timed-out', timeout, pod })
    if (pod) guarded(state, pod, () => state.sequences.timedOut(pod, timeout))
  }
  for (const each of overdue) publish(state, { kind: 'after-overdue', overdue: each, pod: podOf(state, each.key) })
  const withPods = cycles.map(cycle => ({ ...cycle, pods: cycle.keys.flatMap(key => podOf(state, key) ?? []) }))
  publish(state, { kind: 'after-cycles', cycles: withPods })
}

function granted(state: TermState, grant: Grant): void {
  if (isFree(grant)) {
    answer(state, grant)
    return
  }
  state.gates.decided(grant.key)
  // Stamped here: the ledger has no wall clock.
  emit(state, { kind: 'store', grant: { ...grant, grantedAtMs: state.now.wallMs } })
}

/** A grant is no more: its Lease goes, and a gate that still listens was about to hear of it, and asks again. */
export function takeBack(state: TermState, key: string): void {
  emit(state, { kind: 'delete', key })
  state.gates.askAgain(key, 'the grant ended before it could be told')
  state.ledger.withdraw(key)
}

function released(state: TermState, { grant, reason, late }: Release): void {
  takeBack(state, grant.key)
  publish(state, { kind: 'released', grant, reason, late, pod: state.pods.get(grant.podUid) })
}
