import type { Pod } from '../../../core/pod.ts'
import type { Grant } from '../model/grant.ts'
import { RefusedError } from '../model/refusal.ts'
import { advanceAutos } from './term-autos.ts'
import { answer, decide, takeBack, turnsMs } from './term-decisions.ts'
import type { StoreEvent, TermEffect, TermEvent } from './term-events.ts'
import { forget, lookAgain, markUnseen, takeFact } from './term-facts.ts'
import { takeFigures } from './term-figures.ts'
import { giveUp, takeRequest } from './term-requests.ts'
import { decideSoon, emit, type Now, publish, type TermState } from './term-state.ts'

/**
 * If no grant could be stored for this long (for example, a quota rejects our Leases), or every decision has failed,
 * stop sending to all gates so that they fail open. Equals the default failOpenAfter.
 */
const MUTE_AFTER_MS = 60_000

/**
 * One term of one leader: takes in one event, and returns what is to be done. Does no I/O and never throws, so the same
 * events give the same effects in a simulation. `state` is changed in place: it holds every gated pod of a cluster, too
 * much to copy for each event.
 */
export function advance(state: TermState, event: TermEvent, now: Now): TermEffect[] {
  const effects: TermEffect[] = []
  state.now = now
  state.effects = effects
  try {
    if (!state.hasEnded) take(state, event)
    else if (isRequest(event)) throw new RefusedError(503, 'NO_LEADER', 'no replica leads at the moment: try again')
  } catch (error) {
    failed(state, event, error)
  }
  return effects
}

/** The requests that somebody waits for an answer to. */
function isRequest({ kind }: TermEvent): boolean {
  return kind === 'gate-asks' || kind === 'agent-asks' || kind === 'agent-reports' || kind === 'pressure-told'
}

function failed(state: TermState, event: TermEvent, error: unknown): void {
  // Whoever begins a term without a grant that is stored would give its slots out again.
  if (isRequest(event) || event.kind === 'grant-listed') {
    giveUp(state, event)
    emit(state, { kind: 'refuse', error })
  } else if (event.kind === 'step') {
    state.failingSinceMs ??= state.now.monotonicMs
    publish(state, { kind: 'decision-failed', error })
  } else {
    const { namespace, name } = 'pod' in event && event.pod ? event.pod.metadata : {}
    publish(state, { kind: 'event-failed', event: event.kind, namespace, pod: name, error })
  }
}

function take(state: TermState, event: TermEvent): void {
  switch (event.kind) {
    case 'begin':
      begin(state, event.reservationMs)
      break
    case 'step':
      decide(state)
      break
    case 'tick':
      tick(state, event.storeFailingForMs)
      break
    case 'node-figures':
      takeFigures(state, event)
      break
    case 'look-again':
      lookAgain(state)
      break
    case 'end':
      end(state, event)
      break
    case 'grant-listed':
    case 'grant-stored':
    case 'grant-not-stored':
    case 'leases-deleted':
      takeStored(state, event)
      break
    case 'gate-asks':
    case 'gate-hung-up':
    case 'agent-asks':
    case 'agent-hung-up':
    case 'agent-reports':
    case 'pressure-told':
      takeRequest(state, event)
      break
    default:
      takeFact(state, event)
      break
  }
}

function begin(state: TermState, reservationMs: number): void {
  state.hasBegun = true
  state.ledger.expectReconnects(state.now.monotonicMs + reservationMs)
  // Pods that the watch does not show: they ended while nobody led, have lost their label, or got past starting.
  for (const grant of state.listed) if (!state.pods.has(grant.podUid)) markUnseen(state, podOfGrant(grant))
  state.listed.length = 0
  decideSoon(state)
}

function podOfGrant({ podUid: uid, podName: name, namespace }: Grant): Pod {
  return { metadata: { uid, name, namespace }, spec: { containers: [] } }
}

function end(state: TermState, { message }: Extract<TermEvent, { kind: 'end' }>): void {
  state.hasEnded = true
  state.gates.endAll(() => message)
  state.agents.endAll(() => message)
}

function takeStored(state: TermState, event: StoreEvent): void {
  const { ledger, now } = state
  switch (event.kind) {
    case 'grant-listed':
      ledger.adopt(event.grant, now.monotonicMs)
      state.listed.push(event.grant)
      break
    case 'grant-stored':
      stored(state, event.grant)
      break
    case 'grant-not-stored':
      ledger.failed(event.grant, event.failure, now.monotonicMs)
      decideSoon(state)
      break
    case 'leases-deleted':
      for (const key of event.keys) {
        ledger.revoke(key)
        // Its gate may have asked again, and it may be about to be stored anew.
        emit(state, { kind: 'delete', key })
      }
      decideSoon(state)
      break
  }
}

/** A gate is told of a grant only while its slots are held. */
function stored(state: TermState, grant: Grant): void {
  const { ledger } = state
  if (!ledger.grantOf(grant.key)) {
    takeBack(state, grant.key)
    return
  }
  ledger.stored(grant)
  answer(state, grant)
}

function tick(state: TermState, storeFailingForMs: number): void {
  const nowMs = state.now.monotonicMs
  const failingForMs = nowMs - (state.failingSinceMs ?? nowMs)
  const forMs = Math.max(storeFailingForMs, failingForMs)
  const isMute = forMs > MUTE_AFTER_MS
  if (isMute !== state.isMute) publish(state, isMute ? { kind: 'mute', forMs } : { kind: 'unmuted' })
  state.isMute = isMute
  advanceAutos(state)
  if (nowMs >= state.tellFromMs) state.isTellDue = true
  shrinkStarted(state)
  state.gates.beat(turnsMs(state))
  state.agents.beat(nowMs)
  // Where no gate waits nothing is to be decided: what ends by time alone has a wake-up of its own.
  if (state.gates.size > 0 || state.failingSinceMs !== undefined) decideSoon(state)
}

/** What the watch keeps of a pod past starting is enough, once nobody here waits for anything of it. */
function shrinkStarted(state: TermState): void {
  const { inputs, pods, agents, ledger } = state
  for (const [uid, { metadata }] of pods) {
    const kept = inputs.started.get(uid)
    if (!kept || kept.metadata.resourceVersion !== metadata.resourceVersion) continue
    if (agents.attemptOf(uid) !== undefined || !ledger.isIdle(uid)) continue
    ledger.forgetStarted(uid)
    forget(state, uid)
  }
}
