import { AfterWaits, type FindWorkload } from '../after/after-waits.ts'
import type { AutoLimits } from '../auto/auto-limit.ts'
import { startShareOf } from '../limits/bounds.ts'
import type { ClusterSettings } from '../limits/cluster-settings.ts'
import { Overloads } from '../limits/overloads.ts'
import { scopesOf } from '../limits/scopes.ts'
import { Usage } from '../limits/slot-usage.ts'
import type { Ticket } from '../model/grant.ts'
import { WaitingRows } from '../model/waiting-rows.ts'
import { Reports } from '../pods/agent-reports.ts'
import { gateAgeMs } from '../pods/container-status.ts'
import { holdersOf } from '../pods/slot-release.ts'
import { Admission } from '../queue/admission.ts'
import type { Line } from '../queue/line-up.ts'
import { StartedIndex } from '../started/started-index.ts'
import { HeldGrants } from './held-grants.ts'
import { KnownFacts } from './known-facts.ts'
import { ReconnectReservations } from './reconnect-reservations.ts'
import { SetAsides } from './set-asides.ts'
import { StageProgress } from './stage-progress.ts'
import { StartDebts } from './start-debt.ts'
import { Triage } from './triage.ts'
import { Troubles } from './troubles.ts'
import { WaitingTickets } from './waiting-tickets.ts'

/** The pure parts the ledger is made of. */
export interface LedgerParts {
  usage: Usage
  holdersOf: typeof holdersOf
  scopesOf: typeof scopesOf
  /** What `after` goes by. */
  findWorkload: FindWorkload
  progress: StageProgress
  /** Nodes that are held back, by name. */
  overloads: Pick<Overloads, 'get' | 'version'>
  /** What `auto` comes to on each node. */
  autos: AutoLimits
  /** Pods past starting: of them the ledger itself keeps nothing. */
  started: Pick<StartedIndex, 'get' | 'workloadOf' | 'hasImage'>
}

/** All that a ledger knows. */
export interface LedgerState {
  readonly parts: LedgerParts
  readonly known: KnownFacts
  readonly triage: Triage
  readonly waiting: WaitingTickets
  readonly reservations: ReconnectReservations
  readonly holdings: HeldGrants
  readonly reports: Reports
  readonly after: AfterWaits
  readonly debts: StartDebts
  readonly admission: Admission
  readonly setAsides: SetAsides
  readonly troubles: Troubles
  /** Who was left in line by the last step. */
  lines: Line[]
  /** What the last step said of all who wait: first of each of `lines`, then of those that stand in none. */
  rows: WaitingRows
  /** Whom the last step looked at. */
  asked: readonly Ticket[]
  /** Of the last step. */
  wallMs: number
}

function usualParts(settings: ClusterSettings): LedgerParts {
  return {
    usage: new Usage(startShareOf(settings)),
    holdersOf,
    scopesOf,
    findWorkload: () => 'Unknown',
    progress: new StageProgress(),
    overloads: new Overloads(),
    autos: { at: () => undefined, version: 0 },
    started: new StartedIndex(),
  }
}

/** `sinceMs`: when this process began to lead. */
export function newLedgerState(settings: ClusterSettings, given: Partial<LedgerParts>, sinceMs: number): LedgerState {
  const parts: LedgerParts = { ...usualParts(settings), ...given }
  const { started, progress } = parts
  const known = new KnownFacts({ ...parts, settings })
  const { settleMs, maxStartTimeoutMs } = settings
  const isOnNode = (nodeName: string, image: string) => known.isOnNode(nodeName, image)
  const holdings = new HeldGrants({ ...parts, settleMs, maxStartTimeoutMs, isOnNode })
  const workloadOf = (namespace: string, name: string) =>
    known.pods.workloadOf(namespace, name) ?? started.workloadOf(namespace, name)
  const after = new AfterWaits(parts.findWorkload, workloadOf, settings.after)
  const setAsides = new SetAsides()
  const troubles = new Troubles(setAsides)
  const guard = <T>(ticket: Ticket, nowMs: number, act: () => T) => troubles.guard(ticket, nowMs, act)
  const waiting = new WaitingTickets()
  const state: LedgerState = {
    parts,
    known,
    holdings,
    after,
    setAsides,
    troubles,
    waiting,
    triage: new Triage({ known, holdings, progress, after, setAsides, guard, ticketsOf: uid => waiting.ofPod(uid) }),
    reservations: new ReconnectReservations(),
    reports: new Reports(),
    debts: new StartDebts((debtor, slots) => parts.usage.owe(debtor, slots)),
    admission: new Admission({
      ...parts,
      facts: known.limits,
      // Each only grows.
      limitsVersion: () => known.limitsVersion + parts.autos.version + parts.overloads.version,
      sinceMs,
      askedAtMs: ticket => waiting.sinceMs(ticket) ?? Number.POSITIVE_INFINITY,
      firstAskedAtMs: (ticket, nowMs) => firstAskedAtMs(state, ticket, nowMs),
    }),
    lines: [],
    rows: new WaitingRows(),
    asked: [],
    wallMs: 0,
  }
  return state
}

/** A new leader has not heard when a gate first asked, but sees since when it runs. */
function firstAskedAtMs({ known, waiting, wallMs }: LedgerState, ticket: Ticket, nowMs: number): number {
  const pod = known.podOf(ticket.podUid)
  return Math.min(waiting.sinceMs(ticket) ?? nowMs, pod ? nowMs - gateAgeMs(pod, ticket, wallMs) : nowMs)
}
