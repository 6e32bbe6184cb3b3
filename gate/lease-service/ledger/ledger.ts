import type { NamespaceSettings, NodeSettings } from '../../../core/annotations.ts'
import { earliest } from '../../../core/earliest.ts'
import type { AgentReport } from '../../../core/lease-api.ts'
import type { Node, Pod } from '../../../core/pod.ts'
import type { ClusterSettings } from '../limits/cluster-settings.ts'
import type { LimitFacts } from '../limits/scope.ts'
import type { ScopeRef } from '../limits/scope-ref.ts'
import { limitAt } from '../limits/scopes.ts'
import type { ScopeUsage } from '../limits/slot-usage.ts'
import type { Grant, Resource, Ticket } from '../model/grant.ts'
import type { Report } from '../pods/agent-reports.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import { isFinished } from '../pods/ticket-from-pod.ts'
import type { StoreFailure } from '../store/store-failure.ts'
import { decide } from './decision.ts'
import { type LedgerParts, type LedgerState, newLedgerState } from './ledger-state.ts'
import { type LedgerView, ledgerView } from './ledger-view.ts'
import { type NodeStarts, nodeStarts } from './node-starts.ts'
import { settleDebts, settleGrants } from './settlement.ts'
import { EmptyStep, type Step } from './step.ts'

/**
 * Who holds which slots and who waits: facts in, decisions out. Times are monotonic ms of one process. Facts take
 * effect at the next `step`. A grant is held from the moment `step` returns it until `step` returns its release, or
 * until `revoke`.
 */
export class Ledger {
  readonly #state: LedgerState

  /** `sinceMs`: when this process began to lead. */
  constructor(settings: ClusterSettings, parts: Partial<LedgerParts> = {}, sinceMs = Number.NEGATIVE_INFINITY) {
    this.#state = newLedgerState(settings, parts, sinceMs)
  }

  upsertPod(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    const started = this.#state.known.podOf(uid) ? undefined : this.#state.parts.started.get(uid)
    if (started) this.#state.debts.resume(pod, id => started.hasRun(id))
    this.#state.known.setPod(pod)
    this.#state.reservations.podChanged(pod)
    if (pod.metadata.deletionTimestamp || isFinished(pod)) this.#state.waiting.removePod(uid)
    this.#touch(uid)
  }

  /** What `started` has of the pod is enough until it is shown again. To be called only when it is idle. */
  forgetStarted(uid: string): void {
    this.#forget(uid)
  }

  /** Whether nobody here waits for or counts anything of a pod. */
  isIdle(uid: string): boolean {
    return !this.#state.holdings.hasPod(uid) && !this.#state.waiting.hasPod(uid) && !this.#state.debts.owes(uid)
  }

  /** The pod does not exist any more. Works for a pod never shown too, whose grant was adopted. */
  removePod(uid: string): void {
    this.#state.reports.removePod(uid)
    this.#forget(uid)
    this.#state.holdings.end(uid, 'PodGone')
  }

  #forget(uid: string): void {
    this.#state.triage.touch(uid)
    this.#state.known.removePod(uid)
    this.#state.after.removePod(uid)
    this.#state.debts.removePod(uid)
    this.#state.parts.progress.removePod(uid)
    this.#state.waiting.removePod(uid)
    this.#state.reservations.remove(uid)
    this.#state.setAsides.removePod(uid)
  }

  /** `lastGood`: what was in force of its annotations. Returns whether anything has changed for anybody. */
  upsertNode(node: Node, lastGood?: NodeSettings): boolean {
    const entries = this.#state.known.setNode(node, lastGood)
    for (const { pod } of entries ?? []) this.#touch(pod.metadata.uid ?? '')
    return entries !== undefined
  }

  /** The Node object is gone, and with it all that ran there. */
  removeNode(name: string): void {
    for (const { pod } of this.#state.known.removeNode(name)) this.#touch(pod.metadata.uid ?? '')
  }

  setNamespace(name: string, settings: NamespaceSettings): void {
    this.#state.triage.touchAll()
    for (const { pod } of this.#state.known.setNamespace(name, settings))
      this.#state.debts.touch(pod.metadata.uid ?? '')
  }

  removeNamespace(name: string): void {
    this.#state.triage.touchAll()
    this.#state.known.removeNamespace(name)
  }

  /**
   * Adds the ticket of a connected gate, until `withdraw`, which is to be called when its stream has ended, answered or
   * not. Adding it again changes nothing; the tickets of other runs of its pod are removed. Returns the grant that the
   * gate must be sent again, if its key is held. An adopted grant beyond the limits is revoked: a gate that still asks
   * has started nothing, and the Lease may come from a write whose outcome its leader never learned, so that the slots
   * went to others. `wallMs`: as for `step`.
   */
  ask(ticket: Ticket, nowMs: number, wallMs = 0): Grant | undefined {
    this.#state.waiting.add(ticket, nowMs)
    this.#state.triage.touch(ticket.podUid)
    this.#state.reservations.remove(ticket.podUid)
    // The init containers run anew, so all that ran in the sandbox before is dead.
    this.#state.holdings.end(ticket.podUid, 'Failed', ticket.attempt)
    const { key } = ticket
    const grant = this.#state.holdings.get(key)
    this.#state.holdings.settlePulls()
    if (grant && this.#state.holdings.isUnconfirmed(key)) {
      // A new leader may be asked before its first step.
      settleDebts(this.#state, nowMs, wallMs)
      if (!this.#state.admission.isWithinLimits(grant)) this.revoke(key)
    }
    this.#state.holdings.confirm(key)
    return this.#state.holdings.get(key)
  }

  /** Keys of the pod's other runs in line: connections of a node that crashed seem alive for a quarter of an hour. */
  otherRuns(ticket: Ticket): string[] {
    return this.#state.waiting.otherRuns(ticket)
  }

  /** What a pod's agent says of its containers in run `attempt`: what changed, or all that it knows. */
  report(podUid: string, attempt: number, reports: readonly AgentReport[], nowMs: number): void {
    const pod = this.#state.known.podOf(podUid)
    const containers = new Set(pod && sequenceOf(pod)?.stages.flatMap(stage => stage.containers))
    if (this.#state.reports.take({ podUid, attempt, containers }, reports, nowMs)) this.#touch(podUid)
  }

  reportsOf(podUid: string, attempt: number): ReadonlyMap<string, Report> | undefined {
    return this.#state.reports.of(podUid, attempt)
  }

  withdraw(key: string): void {
    this.#state.waiting.remove(key)
  }

  /** When the gate of this ticket first asked here, with breaks or without; kept as long as its pod is to start. */
  askedAtMs(ticket: Pick<Ticket, 'podUid' | 'key'>): number | undefined {
    return this.#state.waiting.sinceMs(ticket)
  }

  /**
   * Counts a grant that a Lease tells of; its timeout runs from now. Show the pods first: a grant of a pod never shown
   * is held until its timeout or `removePod`.
   */
  adopt(grant: Grant, nowMs: number): void {
    this.#state.triage.touch(grant.podUid)
    if (!this.#state.holdings.get(grant.key)) this.#state.holdings.add(grant, nowMs, true)
  }

  /**
   * A term begins, and all pods and grants have been shown: gates that wait by their pods' status have until then to
   * come back in.
   */
  expectReconnects(untilMs: number): void {
    this.#state.reservations.begin(
      this.#state.known.pods.values().map(({ pod }) => pod),
      untilMs,
    )
  }

  grantOf(key: string): Grant | undefined {
    return this.#state.holdings.get(key)
  }

  /** The grant was not stored, or its Lease was deleted: its slots are free, and a gate still there waits again. */
  revoke(key: string): void {
    const { parts, admission, holdings } = this.#state
    const grant = holdings.get(key)
    if (!grant) return
    parts.progress.revoked(grant)
    admission.revoked(grant)
    holdings.remove(key)
    this.#touch(grant.podUid)
  }

  /** The grant could not be made durable: as `revoke`, and its ticket is tried again after a while. */
  failed(grant: Grant, failure: StoreFailure, nowMs: number): void {
    this.revoke(grant.key)
    this.#state.troubles.notStored(grant, failure, nowMs)
  }

  /** The grant is durable. */
  stored(grant: Grant): void {
    this.#state.setAsides.remove(grant)
  }

  /** Whether a gate must be told nothing, so that it fails open: we cannot serve it. */
  isQuiet(key: string): boolean {
    return this.#state.setAsides.isQuiet(key)
  }

  /** `wallMs` only tells how old a container never seen before is. Never throws: see `troubles` and `failure`. */
  step(nowMs: number, term: number, wallMs = 0): Step {
    this.#state.wallMs = wallMs
    const step: Step = new EmptyStep()
    const part = (act: () => void): void => {
      try {
        act()
      } catch (error) {
        step.failure ??= error
      }
    }
    part(() => settleGrants(this.#state, step, nowMs))
    part(() => settleDebts(this.#state, nowMs, wallMs))
    part(() => decide(this.#state, step, nowMs, term))
    part(() => {
      const { overdue, cycles, wakeAtMs } = this.#state.after.takeNews()
      Object.assign(step, { overdue, cycles, wakeAtMs: earliest(step.wakeAtMs, wakeAtMs) })
    })
    step.troubles = this.#state.troubles.take()
    const times = [this.#state.debts.wakeAtMs(), this.#state.admission.wakeAtMs(), this.#state.reservations.wakeAtMs()]
    const others = [this.#state.holdings.wakeAtMs(), this.#state.setAsides.wakeAtMs(nowMs)]
    step.wakeAtMs = [...times, ...others].reduce(earliest, step.wakeAtMs)
    return step
  }

  /** The cluster, and every scope in which slots are held or waited for. */
  usage(): ScopeUsage[] {
    const limit = (resource: Resource, scope: ScopeRef) => limitAt(resource, scope, this.#state.known.limits)
    const standing = this.#state.lines.flatMap(line => line.standing)
    const waiting = standing.map(({ ticket, obstacle }) => ({ ...ticket, scope: obstacle.scope }))
    return this.#state.parts.usage.rows(waiting, limit)
  }

  /** What limits go by. Nothing in it is to be changed. */
  get limits(): LimitFacts {
    return this.#state.known.limits
  }

  /** For the automatic limits of nodes; `nodeStarts` says what it costs. */
  nodeStarts(): (nodeName: string) => NodeStarts {
    return nodeStarts(this.#state)
  }

  /** For people: nothing is decided by it. */
  view(): LedgerView {
    return ledgerView(this.#state)
  }

  #touch(podUid: string): void {
    this.#state.triage.touch(podUid)
    this.#state.holdings.touch(podUid)
    this.#state.debts.touch(podUid)
  }
}
