import type { Clock } from '../../../core/clock.ts'
import type { Pod } from '../../../core/pod.ts'
import type { FindWorkload } from '../after/after-waits.ts'
import type { LearnedLimits } from '../auto/learned.ts'
import { NodeAutos } from '../auto/node-autos.ts'
import { Ledger } from '../ledger/ledger.ts'
import type { LedgerParts } from '../ledger/ledger-state.ts'
import type { ClusterSettings } from '../limits/cluster-settings.ts'
import { NodePressures } from '../limits/node-pressure.ts'
import { type Grant, podUidOf, type Waiting } from '../model/grant.ts'
import type { AgentStream, Stream } from '../model/stream.ts'
import { BadAnnotations } from '../report/annotation-problems.ts'
import type { StartedIndex } from '../started/started-index.ts'
import { AgentStreams } from '../streams/agent-streams.ts'
import { AgentUpdates } from '../streams/agent-updates.ts'
import { GateConnections } from '../streams/gate-connections.ts'
import { RequestRates } from '../streams/request-rates.ts'
import type { GateOut } from './gate-out.ts'
import type { News } from './news.ts'
import type { TermEffect } from './term-events.ts'

/** What a term is made of, and what it may read that no event brings. */
export interface TermInputs {
  /** Number of the term. */
  term: number
  /** Where gates find this replica (host:port). */
  address: string
  settings: ClusterSettings
  /** Pods past starting, as the watch shows them. */
  started: StartedIndex
  findWorkload: FindWorkload
  /** In [0, 1). */
  random: () => number
  newLedger?: NewLedger
  /** Automatic limits that leaders before this one found; times are monotonic ms here. */
  learned?: LearnedLimits
}

/** How a ledger is made; tests put a faulty one in its place. */
export type NewLedger = (
  settings: ClusterSettings,
  parts: Pick<LedgerParts, 'findWorkload' | 'overloads' | 'autos' | 'started'>,
  sinceMs: number,
) => Ledger

export interface Now {
  monotonicMs: number
  wallMs: number
}

/**
 * All that one term of one leader knows. Made new at every takeover, so nothing is remembered that is not in a Lease or
 * in the API. Only `advance` (term.ts) changes it.
 */
export interface TermState {
  readonly inputs: TermInputs
  /** Of the event that is being taken in. */
  now: Now
  /** Of the event that is being taken in, so far. */
  effects: TermEffect[]
  readonly ledger: Ledger
  readonly gates: GateConnections
  readonly agents: AgentStreams
  readonly sequences: AgentUpdates
  readonly pressures: NodePressures
  readonly autos: NodeAutos
  readonly rates: RequestRates
  readonly badAnnotations: BadAnnotations
  /** Those that are not past starting. */
  readonly pods: Map<string, Pod>
  /** As they were last seen: pods that the watch shows no more, or not yet. */
  readonly unseen: Map<string, Pod>
  /** Of gates that are connected: the stream as the parts of this state know it. */
  readonly asking: WeakMap<Stream, GateOut>
  readonly agentsOut: WeakMap<AgentStream, AgentStream>
  /** Leases that were there when the term began. */
  readonly listed: Grant[]
  /** Who waits, with how long, as they were told last. */
  waits: (readonly [Waiting, number])[]
  /** Keys of those who are still to be told where they are before all have been. */
  toTell: string[]
  hasBegun: boolean
  hasEnded: boolean
  isMute: boolean
  /** All who wait are to be told where they are, at the next step. */
  isTellDue: boolean
  /** Not before then, monotonic ms: where very many wait, to tell all takes long. */
  tellFromMs: number
  /** Since when every decision has failed. */
  failingSinceMs: number | undefined
}

const newLedgerOf: NewLedger = (settings, parts, sinceMs) => new Ledger(settings, parts, sinceMs)

/** A term that begins; it knows nothing yet. */
export function newTerm(inputs: TermInputs, now: Now): TermState {
  const { settings, findWorkload, started } = inputs
  const pressures = new NodePressures(settings.node.maxPressure)
  const autos = new NodeAutos(inputs.learned, now.monotonicMs)
  const parts = { findWorkload, overloads: pressures.overloads, autos, started }
  const ledger = (inputs.newLedger ?? newLedgerOf)(settings, parts, now.monotonicMs)
  const agents = new AgentStreams()
  const state: TermState = {
    inputs,
    now,
    effects: [],
    ledger,
    gates: newGates(() => state, { inputs, ledger, agents, pressures }),
    agents,
    sequences: newSequences(() => state, { ledger, agents }),
    pressures,
    autos,
    rates: new RequestRates(() => state.now.monotonicMs),
    badAnnotations: new BadAnnotations(),
    pods: new Map(),
    unseen: new Map(),
    asking: new WeakMap(),
    agentsOut: new WeakMap(),
    listed: [],
    waits: [],
    toTell: [],
    hasBegun: false,
    hasEnded: false,
    isMute: false,
    isTellDue: true,
    tellFromMs: Number.NEGATIVE_INFINITY,
    failingSinceMs: undefined,
  }
  return state
}

/** Time stands still while an event is taken in. */
function clockOf(state: () => TermState): Clock {
  return { monotonicMs: () => state().now.monotonicMs, wallMs: () => state().now.wallMs }
}

function newGates(
  state: () => TermState,
  { inputs, ledger, agents, pressures }: Pick<TermState, 'inputs' | 'ledger' | 'agents' | 'pressures'>,
): GateConnections {
  return new GateConnections({
    address: inputs.address,
    pressures,
    podOf: key => podOf(state(), key),
    onAway: key => ledger.withdraw(key),
    askedAtMs: (podUid, key) => ledger.askedAtMs({ podUid, key }),
    onWaiting: (row, waitedMs) => void state().waits.push([row, waitedMs]),
    isMute: () => state().isMute,
    agents: () => agents.size,
    isQuiet: key => ledger.isQuiet(key),
    clock: clockOf(state),
    random: inputs.random,
  })
}

function newSequences(state: () => TermState, { ledger, agents }: Pick<TermState, 'ledger' | 'agents'>): AgentUpdates {
  return new AgentUpdates({
    agents,
    reportsOf: (podUid, attempt) => ledger.reportsOf(podUid, attempt),
    conditions: {
      put: (pod, condition) => emit(state(), { kind: 'write-condition', pod, condition }),
      removePod: uid => emit(state(), { kind: 'forget-condition', uid }),
    },
    clock: clockOf(state),
  })
}

export function emit({ effects }: TermState, effect: TermEffect): void {
  effects.push(effect)
}

export function publish(state: TermState, news: News): void {
  emit(state, { kind: 'publish', news })
}

/** Of a ticket's key. */
export function podOf({ pods }: TermState, key: string): Pod | undefined {
  return pods.get(podUidOf(key))
}

/** A decision is due. Nothing is decided before the term has been shown all there is. */
export function decideSoon(state: TermState): void {
  if (state.hasBegun) emit(state, { kind: 'step-soon' })
}
