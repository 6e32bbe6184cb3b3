import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import type { GateMessage, GateVerdict } from '../../core/lease-api.ts'
import type { Pressure } from '../../core/pressure.ts'
import { VERSION } from '../../core/version.ts'
import type { GateConfig } from './config.ts'
import type { LeaseClient } from './lease-client.ts'
import {
  deadlineMs,
  goOnWaiting,
  startWaiting,
  step,
  type WaitAction,
  type WaitEvent,
  type WaitedBefore,
  type WaitState,
} from './waiting.ts'

export interface WaitDeps {
  config: GateConfig
  attempt: number
  /** An earlier gate of this run has failed open (shared-directory.ts). */
  isLost: boolean
  client: LeaseClient
  clock: Clock
  /** In [0, 1). */
  random: () => number
  newNonce: () => string
  /** On this node; never rejects. */
  readPressure: () => Promise<Pressure>
  /** Tells the leader at this address the node's load, as it has asked; absent where others tell it. Never rejects. */
  tellLoad?: (address: string, signal: AbortSignal) => Promise<void>
  /** Told each time the reason to wait changes, and when contact is lost. */
  onReason: (reason: string, state: { place?: number; of?: number; estimateMs?: number | undefined }) => void
  /** Where another process has waited before. */
  before?: WaitedBefore
  /** Told at first, and after each event. */
  onState?: (state: WaitState) => void
  /** Of the gate, where it is another program than this. */
  version?: string
}

/** Waits until the lease service grants, or until it must be taken for lost. Never rejects. */
export async function waitForGrant(deps: WaitDeps): Promise<GateVerdict> {
  const verdict = await waitUnlessWithdrawn(deps, new AbortController().signal)
  if (!verdict) throw new Error('a wait that nobody can withdraw was withdrawn')
  return verdict
}

/** The same, for one who may not want it any more: ends with nothing once `withdrawn` aborts. */
export async function waitUnlessWithdrawn(deps: WaitDeps, withdrawn: AbortSignal): Promise<GateVerdict | undefined> {
  const { config, clock } = deps
  const begun = startWaiting(clock.monotonicMs(), deps.random(), deps.isLost)
  let state = deps.before ? goOnWaiting(begun, deps.before, begun.startedMs, config) : begun
  deps.onState?.(state)
  let told = ''
  const feed = (event: WaitEvent): WaitAction => {
    const [next, action] = step(state, event, clock.monotonicMs(), config)
    state = next
    deps.onState?.(state)
    if (state.reason !== told && action.kind !== 'exit') {
      told = state.reason
      const place = event.kind === 'message' && event.message.kind === 'waiting' ? event.message : {}
      deps.onReason(told, place)
    }
    return action
  }
  for (;;) {
    const action = await converse(deps, {
      address: state.leader ?? config.address,
      giveUpAtMs: () => deadlineMs(state, config),
      feed,
      withdrawn,
    })
    if (withdrawn.aborted) return undefined
    if (action.kind === 'exit') {
      const waitedMs = clock.monotonicMs() - state.startedMs
      const { kind: _, ...verdict } = action
      return {
        ...verdict,
        gate: config.gate,
        waitedMs,
        ...(verdict.verdict === 'failed-open' && { reason: state.reason }),
      }
    }
    if (action.kind === 'connect' && action.afterMs > 0)
      await sleep(action.afterMs, undefined, { signal: withdrawn }).catch(() => undefined)
    if (withdrawn.aborted) return undefined
  }
}

interface Conversation {
  address: string
  giveUpAtMs: () => number
  feed: (event: WaitEvent) => WaitAction
  withdrawn: AbortSignal
}

/** One request and its answer; returns what to do next, which is never `listen`. */
async function converse(deps: WaitDeps, { address, giveUpAtMs, feed, withdrawn }: Conversation): Promise<WaitAction> {
  const { podUid } = deps.config
  const nonce = deps.newNonce()
  const aborter = new AbortController()
  let decided: WaitAction | undefined
  // A connection that hangs must not outlast the fail-open time.
  const watchdog = setInterval(() => {
    if (deps.clock.monotonicMs() >= giveUpAtMs()) aborter.abort(new Error('no contact with a leader for too long'))
  }, 1000)
  const onMessage = (message: GateMessage): void => {
    if (decided) return
    const action = feed({ kind: 'message', message, nonce })
    if (action.kind === 'listen') {
      if (action.pressureTo !== undefined) void deps.tellLoad?.(action.pressureTo, signal)
      return
    }
    decided = action
    aborter.abort()
  }
  const signal = AbortSignal.any([aborter.signal, withdrawn])
  const body = {
    podUid,
    attempt: deps.attempt,
    nonce,
    version: deps.version ?? VERSION,
    pressure: await deps.readPressure(),
  }
  const reason = await deps.client.ask(address, body, signal, onMessage)
  clearInterval(watchdog)
  return decided ?? feed({ kind: 'lost', reason })
}
