import type { NamespaceSettings, NodeSettings } from '../../../core/annotations.ts'
import type { AgentReport } from '../../../core/lease-api.ts'
import type { Node, Pod } from '../../../core/pod.ts'
import { AfterWaits, type FindWorkload } from '../after/after-waits.ts'
import { startShareOf } from '../limits/bounds.ts'
import type { ClusterSettings } from '../limits/cluster-settings.ts'
import type { Overload } from '../limits/node-pressure.ts'
import type { ScopeRef } from '../limits/scope-ref.ts'
import { limitAt, scopesOf } from '../limits/scopes.ts'
import { type ScopeUsage, Usage } from '../limits/slot-usage.ts'
import { startTimeoutIn, timeoutOf } from '../limits/start-timeout.ts'
import { type Grant, isFree, type Resource, type Ticket, type Waiting } from '../model/grant.ts'
import { reasonOfError, type Trouble } from '../model/trouble.ts'
import { type Report, Reports } from '../pods/agent-reports.ts'
import { gateAgeMs, staleContainerIds } from '../pods/container-status.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import { holdersOf } from '../pods/slot-release.ts'
import { isFinished } from '../pods/ticket-from-pod.ts'
import { Admission, type Admitted } from '../queue/admission.ts'
import type { Blocked } from '../queue/fair-queue.ts'
import { reasonOf } from '../queue/wait-reason.ts'
import { StartedIndex } from '../started/started-index.ts'
import type { StoreFailure } from '../store/store-failure.ts'
import { HeldGrants } from './held-grants.ts'
import { KnownFacts } from './known-facts.ts'
import { ReconnectReservations } from './reconnect-reservations.ts'
import { SetAsides } from './set-asides.ts'
import { StageProgress } from './stage-progress.ts'
import { StartDebts } from './start-debt.ts'
import { earliest, emptyStep, type Step } from './step.ts'
import { Triage } from './triage.ts'
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
  overloads: ReadonlyMap<string, Overload>
  /** Pods past starting: of them the ledger itself keeps nothing. */
  started: Pick<StartedIndex, 'get' | 'workloadOf' | 'hasImage'>
}

/**
 * Who holds which slots and who waits: facts in, decisions out. Times are monotonic ms of one process. Facts take
 * effect at the next `step`. A grant is held from the moment `step` returns it until `step` returns its release, or
 * until `revoke`.
 */
export class Ledger {
  readonly #parts: LedgerParts
  readonly #known: KnownFacts
  readonly #triage: Triage
  readonly #waiting = new WaitingTickets()
  readonly #reservations = new ReconnectReservations()
  readonly #holdings: HeldGrants
  readonly #reports = new Reports()
  readonly #progress: StageProgress
  readonly #after: AfterWaits
  readonly #debts: StartDebts
  readonly #admission: Admission
  readonly #setAsides = new SetAsides()
  #troubles: Trouble[] = []
  #blocked: Blocked[] = []
  /** Of the last step. */
  #wallMs = 0

  /** `sinceMs`: when this process began to lead. */
  constructor(settings: ClusterSettings, parts: Partial<LedgerParts> = {}, sinceMs = Number.NEGATIVE_INFINITY) {
    this.#parts = {
      usage: new Usage(startShareOf(settings)),
      holdersOf,
      scopesOf,
      findWorkload: () => 'Unknown',
      progress: new StageProgress(),
      overloads: new Map(),
      started: new StartedIndex(),
      ...parts,
    }
    const { started } = this.#parts
    this.#known = new KnownFacts({ ...this.#parts, settings })
    const { settleMs, maxStartTimeoutMs } = settings
    const isOnNode = (nodeName: string, image: string) => this.#known.isOnNode(nodeName, image)
    this.#holdings = new HeldGrants({ ...this.#parts, settleMs, maxStartTimeoutMs, isOnNode })
    this.#after = new AfterWaits(
      this.#parts.findWorkload,
      (namespace, name) => this.#known.pods.workloadOf(namespace, name) ?? started.workloadOf(namespace, name),
    )
    this.#progress = this.#parts.progress
    this.#debts = new StartDebts((debtor, slots) => this.#parts.usage.owe(debtor, slots))
    this.#admission = new Admission({
      ...this.#parts,
      facts: this.#known.limits,
      limitsVersion: () => this.#known.limitsVersion,
      sinceMs,
      askedAtMs: ticket => this.#waiting.sinceMs(ticket) ?? Number.POSITIVE_INFINITY,
      firstAskedAtMs: (ticket, nowMs) => this.#firstAskedAtMs(ticket, nowMs),
    })
    this.#triage = new Triage({
      known: this.#known,
      holdings: this.#holdings,
      progress: this.#progress,
      after: this.#after,
      setAsides: this.#setAsides,
      guard: (ticket, nowMs, act) => this.#guard(ticket, nowMs, act),
    })
  }

  upsertPod(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    const started = this.#known.podOf(uid) ? undefined : this.#parts.started.get(uid)
    if (started) this.#debts.resume(pod, id => started.hasRun(id))
    this.#known.setPod(pod)
    this.#reservations.podChanged(pod)
    if (pod.metadata.deletionTimestamp || isFinished(pod)) this.#waiting.removePod(uid)
    this.#touch(uid)
  }

  /** What `started` has of the pod is enough until it is shown again. To be called only when it is idle. */
  forgetStarted(uid: string): void {
    this.#forget(uid)
  }

  /** Whether nobody here waits for or counts anything of a pod. */
  isIdle(uid: string): boolean {
    return !this.#holdings.hasPod(uid) && !this.#waiting.hasPod(uid) && !this.#debts.owes(uid)
  }

  /** The pod does not exist any more. Works for a pod never shown too, whose grant was adopted. */
  removePod(uid: string): void {
    this.#reports.removePod(uid)
    this.#forget(uid)
    this.#holdings.end(uid, 'PodGone')
  }

  #forget(uid: string): void {
    this.#known.removePod(uid)
    this.#after.removePod(uid)
    this.#debts.removePod(uid)
    this.#progress.removePod(uid)
    this.#waiting.removePod(uid)
    this.#reservations.remove(uid)
    this.#setAsides.removePod(uid)
  }

  /** `lastGood`: what was in force of its annotations. */
  upsertNode(node: Node, lastGood?: NodeSettings): void {
    for (const { pod } of this.#known.setNode(node, lastGood)) this.#touch(pod.metadata.uid ?? '')
  }

  /** The Node object is gone, and with it all that ran there. */
  removeNode(name: string): void {
    for (const { pod } of this.#known.removeNode(name)) this.#touch(pod.metadata.uid ?? '')
  }

  setNamespace(name: string, settings: NamespaceSettings): void {
    for (const { pod } of this.#known.setNamespace(name, settings)) this.#debts.touch(pod.metadata.uid ?? '')
  }

  removeNamespace(name: string): void {
    this.#known.removeNamespace(name)
  }

  /**
   * Adds the ticket of a connected gate, until `withdraw`, which is to be called when its stream has ended, answered or
   * not. Adding it again changes nothing; the tickets of other runs of its pod are removed. Returns the grant that the
   * gate must be sent again, if its key is held. An adopted grant beyond the limits is revoked: a gate that still asks
   * has started nothing, and the Lease may come from a write whose outcome its leader never learned, so that the slots
   * went to others.
   */
  ask(ticket: Ticket, nowMs: number): Grant | undefined {
    this.#waiting.add(ticket, nowMs)
    this.#reservations.remove(ticket.podUid)
    // The init containers run anew, so all that ran in the sandbox before is dead.
    this.#holdings.end(ticket.podUid, 'Failed', ticket.attempt)
    const { key } = ticket
    const grant = this.#holdings.get(key)
    this.#holdings.settlePulls()
    if (grant && this.#holdings.isUnconfirmed(key) && !this.#admission.isWithinLimits(grant)) this.revoke(key)
    this.#holdings.confirm(key)
    return this.#holdings.get(key)
  }

  /**
   * Keys of the pod's other runs that are in line: connections of a node that crashed are not known to be dead for a
   * quarter of an hour.
   */
  otherRuns(ticket: Ticket): string[] {
    return this.#waiting.otherRuns(ticket)
  }

  /** What a pod's agent says of its containers in run `attempt`: what changed, or all that it knows. */
  report(podUid: string, attempt: number, reports: readonly AgentReport[], nowMs: number): void {
    const pod = this.#known.podOf(podUid)
    const containers = new Set(pod && sequenceOf(pod)?.stages.flatMap(stage => stage.containers))
    if (this.#reports.take({ podUid, attempt, containers }, reports, nowMs)) this.#touch(podUid)
  }

  reportsOf(podUid: string, attempt: number): ReadonlyMap<string, Report> | undefined {
    return this.#reports.of(podUid, attempt)
  }

  withdraw(key: string): void {
    this.#waiting.remove(key)
  }

  /** When the gate of this ticket first asked here, with breaks or without; kept until its pod is gone. */
  askedAtMs(ticket: Pick<Ticket, 'podUid' | 'key'>): number | undefined {
    return this.#waiting.sinceMs(ticket)
  }

  /**
   * Counts a grant that a Lease tells of; its timeout runs from now. Show the pods first: a grant of a pod never shown
   * is held until its timeout or `removePod`.
   */
  adopt(grant: Grant, nowMs: number): void {
    if (!this.#holdings.get(grant.key)) this.#holdings.add(grant, nowMs, true)
  }

  /**
   * A term begins, and all pods and grants have been shown: gates that wait by their pods' status have until then to
   * come back in.
   */
  expectReturns(untilMs: number): void {
    this.#reservations.begin(
      this.#known.pods.values().map(({ pod }) => pod),
      untilMs,
    )
  }

  grantOf(key: string): Grant | undefined {
    return this.#holdings.get(key)
  }

  /**
   * The grant could not be made durable, or its Lease was deleted: its slots are free, and its gate, if still there,
   * waits again.
   */
  revoke(key: string): void {
    const grant = this.#holdings.get(key)
    if (grant) {
      this.#progress.revoked(grant)
      this.#admission.revoked(grant)
    }
    this.#holdings.remove(key)
  }

  /**
   * The grant could not be made durable: it is revoked, and its ticket is tried again after a while. Otherwise as
   * `revoke`.
   */
  failed(grant: Grant, failure: StoreFailure, nowMs: number): void {
    this.revoke(grant.key)
    const { kind } = failure
    if (kind === 'refused') this.#troubles.push({ podUid: grant.podUid, kind: 'not-stored', reason: failure.reason })
    const reason = `its Lease could not be stored: ${failure.reason}`
    const kinds = { refused: 'not-stored', trouble: 'unstored', changed: 'changed' } as const
    this.#setAsides.add(grant, { kind: kinds[kind], reason }, nowMs)
  }

  /** The grant is durable. */
  stored(grant: Grant): void {
    this.#setAsides.remove(grant)
  }

  /** Whether a gate must be told nothing, so that it fails open: we cannot serve it. */
  isQuiet(ticket: Pick<Ticket, 'podUid' | 'key'>): boolean {
    return this.#setAsides.isQuiet(ticket)
  }

  /**
   * `wallMs` only tells how old a container is that was never seen before. Never throws: see `troubles` and `failure`.
   */
  step(nowMs: number, term: number, wallMs = 0): Step {
    this.#wallMs = wallMs
    const step = emptyStep()
    const part = (act: () => void): void => {
      try {
        act()
      } catch (error) {
        step.failure ??= error
      }
    }
    part(() => this.#settle(step, nowMs))
    part(() => this.#settleDebts(nowMs, wallMs))
    part(() => this.#decide(step, nowMs, term))
    part(() => {
      const { overdue, cycles, wakeAtMs } = this.#after.takeNews()
      Object.assign(step, { overdue, cycles, wakeAtMs: earliest(step.wakeAtMs, wakeAtMs) })
    })
    step.troubles = this.#troubles.splice(0)
    const times = [this.#debts.wakeAtMs(), this.#admission.wakeAtMs(), this.#reservations.wakeAtMs()]
    const others = [this.#holdings.wakeAtMs(), this.#setAsides.wakeAtMs(nowMs)]
    step.wakeAtMs = [...times, ...others].reduce(earliest, step.wakeAtMs)
    return step
  }

  #decide(step: Step, nowMs: number, term: number): void {
    this.#blocked = []
    const { free, lines, setAside } = this.#triage.sortOut(this.#waiting.tickets(), nowMs)
    const away = this.#triage.away(this.#reservations.tickets(nowMs), nowMs)
    const grant = (ticket: Ticket): boolean => {
      const given = this.#guard(ticket, nowMs, () => this.#grant(ticket, nowMs, term))
      if (given) step.grants.push(given)
      // Its turn goes to the next one at once.
      else step.wakeAtMs = nowMs
      return given !== undefined
    }
    for (const ticket of free) grant(ticket)
    for (const resource of ['pull', 'start'] as const) {
      const { taken, passes, blocked } = this.#admit(
        resource,
        { tickets: lines[resource], away: away[resource] },
        nowMs,
      )
      const granted = taken.filter(({ ticket }) => grant(ticket))
      for (const { ticket, oversizeIn } of granted)
        for (const scope of oversizeIn) step.oversize.push({ key: ticket.key, scope: scope.id })
      for (const { ticket, reason } of passes) if (grant(ticket)) step.passes.push({ key: ticket.key, reason })
      for (const { ticket } of blocked) this.#setAsides.decided(ticket)
      this.#blocked = this.#blocked.concat(blocked)
    }
    step.waiting = this.#blocked.map(each => this.#waitingOf(each)).concat(setAside)
  }

  /**
   * A decision that fails is made once more without those whose limits cannot be told. Throws when that does not help.
   */
  #admit(resource: Resource, line: { tickets: Ticket[]; away: Ticket[] }, nowMs: number): Admitted {
    try {
      return this.#admission.decide(resource, line, nowMs)
    } catch (error) {
      const isSound = (ticket: Ticket) =>
        this.#guard(ticket, nowMs, () => this.#parts.scopesOf(ticket, this.#known.limits)) !== undefined
      const [tickets, away] = [line.tickets.filter(isSound), line.away.filter(isSound)]
      if (tickets.length === line.tickets.length && away.length === line.away.length) throw error
      return this.#admission.decide(resource, { tickets, away }, nowMs)
    }
  }

  /** What `act` makes of a ticket; a ticket on which it fails is set aside, and all others go on. */
  #guard<T>(ticket: Ticket, nowMs: number, act: () => T): T | undefined {
    try {
      return act()
    } catch (error) {
      this.#setAsides.add(ticket, { kind: 'error', reason: reasonOfError(error) }, nowMs)
      this.#note(ticket.podUid, error)
      return undefined
    }
  }

  /** The cluster, and every scope in which slots are held or waited for. */
  usage(): ScopeUsage[] {
    const limit = (resource: Resource, scope: ScopeRef) => limitAt(resource, scope, this.#known.limits)
    const waiting = this.#blocked.map(({ ticket, obstacle }) => ({ ...ticket, scope: obstacle.scope }))
    return this.#parts.usage.rows(waiting, limit)
  }

  #settle(step: Step, nowMs: number): void {
    const { ended, timeouts, troubles } = this.#holdings.settle(nowMs, ({ podUid, attempt, nodeName }) => {
      const entry = this.#known.pods.get(podUid)
      return {
        pod: entry?.pod,
        nodeLost: entry?.nodeGone || this.#known.isNodeLost(nodeName),
        readiness: entry && sequenceOf(entry.pod)?.readiness,
        reports: this.#reports.of(podUid, attempt),
      }
    })
    step.releases = ended.map(({ release }) => release)
    step.timeouts = timeouts
    for (const { grant, error } of troubles) this.#note(grant.podUid, error)
    for (const { release, gateEnded } of ended) {
      // A gate that still listens was never told, so its pod must go on waiting; any other has been served.
      const maybeUntold = !gateEnded && (release.reason === 'TimedOut' || release.reason === 'NodeLost')
      if (maybeUntold) this.#progress.revoked(release.grant)
      else this.#waiting.remove(release.grant.key)
    }
    for (const { release } of ended) this.#debts.touch(release.grant.podUid)
    for (const { grant } of timeouts) this.#debts.touch(grant.podUid)
  }

  #note(podUid: string, error: unknown): void {
    this.#troubles.push({ podUid, kind: 'error', reason: reasonOfError(error) })
  }

  #settleDebts(nowMs: number, wallMs: number): void {
    const { limits } = this.#known
    this.#debts.settle(
      { ms: nowMs, wallMs },
      podUid => {
        const entry = this.#known.pods.get(podUid)
        if (!entry) return undefined
        const { pod, nodeGone } = entry
        return {
          pod,
          holding: this.#holdings.holding(podUid),
          isExempt:
            this.#known.isOff(pod.metadata.namespace ?? '', pod) ||
            nodeGone ||
            this.#known.isNodeLost(pod.spec.nodeName ?? ''),
          reports: this.#reports.latest(podUid),
          settleMs: limits.settings.settleMs,
          startTimeoutMsOf: startTimeoutIn(pod, limits),
        }
      },
      (podUid, error) => this.#note(podUid, error),
    )
  }

  #touch(podUid: string): void {
    this.#holdings.touch(podUid)
    this.#debts.touch(podUid)
  }

  /** A new leader has not heard when a gate first asked, but sees since when it runs. */
  #firstAskedAtMs(ticket: Ticket, nowMs: number): number {
    const pod = this.#known.podOf(ticket.podUid)
    return Math.min(this.#waiting.sinceMs(ticket) ?? nowMs, pod ? nowMs - gateAgeMs(pod, ticket, this.#wallMs) : nowMs)
  }

  #grant(ticket: Ticket, nowMs: number, term: number): Grant {
    const pod = this.#known.podOf(ticket.podUid)
    const mode = this.#known.modeOf(ticket.namespace)
    const isOff = this.#known.isOff(ticket.namespace, pod)
    const isRider = !isOff && this.#triage.rides(ticket)
    const needsNoSlot = isOff || this.#triage.needsNoSlot(ticket)
    const grant: Grant = {
      ...ticket,
      slots: needsNoSlot ? 0 : ticket.slots,
      ...(isRider && { isRider }),
      term,
      grantedAtMs: 0,
      timeoutMs: timeoutOf(ticket, pod, this.#known.limits),
      staleContainerIds: pod ? staleContainerIds(pod, ticket) : [],
      ...(mode === 'observe' && { isObserved: true as const }),
    }
    this.#progress.granted(ticket)
    this.#setAsides.decided(ticket)
    if (isFree(grant)) this.#waiting.remove(ticket.key)
    else this.#holdings.add(grant, nowMs, false)
    return grant
  }

  #waitingOf(blocked: Blocked): Waiting {
    const { ticket, place, of, obstacle } = blocked
    const estimateMs =
      obstacle.kind === 'frozen'
        ? undefined
        : this.#holdings.estimate.waitMs(ticket.resource, place, obstacle.scope.limit)
    const { key, resource, namespace } = ticket
    const row = { key, resource, namespace, cause: obstacle.kind, place, of, reason: reasonOf(blocked) }
    return { ...row, ...(estimateMs !== undefined && { estimateMs }) }
  }
}
