import type { NamespaceSettings, NodeSettings } from '../../core/annotations.ts'
import type { AgentReport } from '../../core/lease-api.ts'
import type { Node, Pod } from '../../core/pod.ts'
import { Admission } from './admission.ts'
import { type AfterCycle, type AfterOverdue, AfterWaits, type FindWorkload } from './after-waits.ts'
import { Asking } from './asking.ts'
import { gateAgeMs, staleContainerIds } from './container-run.ts'
import { Debts } from './debts.ts'
import { Holdings } from './holdings.ts'
import {
  type ClusterSettings,
  type LimitFacts,
  limitAt,
  scopesOf,
  startShareOf,
  startTimeoutIn,
  timeoutOf,
} from './limits.ts'
import type { Grant, Release, Resource, SlotTimeout, Ticket, Waiting } from './model.ts'
import { type NodeFacts, nodeFactsOf } from './node-facts.ts'
import { NodeImages } from './node-images.ts'
import type { Overload } from './node-pressures.ts'
import { holdersOf } from './phase.ts'
import { sequenceOf } from './pod-sequence.ts'
import { type Blocked, compareTickets } from './queue.ts'
import { nodeLostReason, podUnknownReason, reasonOf } from './reason.ts'
import { type Report, Reports } from './reports.ts'
import { Returning } from './returning.ts'
import { StageProgress } from './stage-progress.ts'
import { isFinished } from './ticket.ts'
import { type ScopeUsage, Usage } from './usage.ts'

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
}

export interface Step {
  /**
   * To be made durable, then answered. One of 0 slots needs no Lease, and the ledger has forgotten it already.
   * `grantedAtMs` is 0: the ledger has no wall clock, so the shell stamps it.
   */
  grants: Grant[]
  /** Those of `grants` that are larger than a limit and run alone in that scope. */
  oversize: { key: string; scope: string }[]
  /** Those of `grants` that pass although limits are full, and why. */
  passes: { key: string; reason: string }[]
  releases: Release[]
  /** Containers that were not ready in time, at the moment their slots were taken back. */
  timeouts: SlotTimeout[]
  /** Pods that `after` holds back no more although what they come after is not ready; each once. */
  overdue: AfterOverdue[]
  /** Workloads that wait for each other, at every step as long as they do. */
  cycles: AfterCycle[]
  /** In the order in which they would be taken, `pull` first. */
  waiting: Waiting[]
  /** When to call `step` next though nothing happens. */
  wakeAtMs: number | undefined
}

interface PodEntry {
  pod: Pod
  /** Its Node object was deleted while it was there. */
  nodeGone: boolean
}

/**
 * Who holds which slots and who waits: facts in, decisions out. Times are monotonic ms of one process. Facts take effect
 * at the next `step`. A grant is held from the moment `step` returns it until `step` returns its release, or until
 * `revoke`.
 */
export class Ledger {
  readonly #parts: LedgerParts
  readonly #pods = new Map<string, PodEntry>()
  readonly #nodes = new Map<string, NodeFacts>()
  readonly #namespaces = new Map<string, NamespaceSettings>()
  readonly #facts: LimitFacts
  readonly #images = new NodeImages()
  readonly #asking = new Asking()
  readonly #returning = new Returning()
  readonly #holdings: Holdings
  readonly #reports = new Reports()
  readonly #progress: StageProgress
  readonly #after: AfterWaits
  readonly #debts: Debts
  readonly #admission: Admission
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
      ...parts,
    }
    const { overloads } = this.#parts
    this.#facts = { settings, nodes: this.#nodes, namespaces: this.#namespaces, overloads }
    const { settleMs, maxStartTimeoutMs } = settings
    this.#holdings = new Holdings({ ...this.#parts, settleMs, maxStartTimeoutMs })
    this.#after = new AfterWaits(this.#parts.findWorkload)
    this.#progress = this.#parts.progress
    this.#debts = new Debts((debtor, slots) => this.#parts.usage.owe(debtor, slots))
    this.#admission = new Admission({
      ...this.#parts,
      facts: this.#facts,
      sinceMs,
      askedAtMs: ticket => this.#asking.sinceMs(ticket) ?? Number.POSITIVE_INFINITY,
      firstAskedAtMs: (ticket, nowMs) => this.#firstAskedAtMs(ticket, nowMs),
    })
  }

  upsertPod(pod: Pod, _nowMs: number): void {
    const uid = pod.metadata.uid ?? ''
    this.#pods.set(uid, { pod, nodeGone: this.#pods.get(uid)?.nodeGone ?? false })
    this.#images.setPod(pod)
    this.#after.setPod(pod)
    this.#returning.podChanged(pod)
    if (pod.metadata.deletionTimestamp || isFinished(pod)) this.#asking.removePod(uid)
    this.#touch(uid)
  }

  /** The pod does not exist any more. Works for a pod never shown too, whose grant was adopted. */
  removePod(uid: string, _nowMs: number): void {
    const entry = this.#pods.get(uid)
    if (entry) this.#after.removePod(entry.pod)
    this.#pods.delete(uid)
    this.#reports.removePod(uid)
    this.#debts.removePod(uid)
    this.#progress.removePod(uid)
    this.#images.removePod(uid)
    this.#asking.removePod(uid)
    this.#returning.remove(uid)
    this.#holdings.end(uid, 'PodGone')
  }

  /** `lastGood`: what was in force of its annotations. */
  upsertNode(node: Node, lastGood?: NodeSettings): void {
    const name = node.metadata.name ?? ''
    const before = this.#nodes.get(name)
    const facts = nodeFactsOf(node, lastGood ?? before)
    this.#nodes.set(name, facts)
    if (!before || before.lost !== facts.lost) this.#nodeGone(name, false)
  }

  /** The Node object is gone, and with it all that ran there. */
  removeNode(name: string): void {
    this.#nodes.delete(name)
    this.#nodeGone(name, true)
  }

  setNamespace(name: string, settings: NamespaceSettings): void {
    const before = this.#namespaces.get(name)?.mode
    this.#namespaces.set(name, settings)
    if (before === settings.mode) return
    for (const [uid, { pod }] of this.#pods) if (pod.metadata.namespace === name) this.#debts.touch(uid)
  }

  removeNamespace(name: string): void {
    this.#namespaces.delete(name)
  }

  /**
   * A gate is connected and waits, until `withdraw`: to be called when its stream has ended, answered or not. Asking again
   * changes nothing; other runs of its pod are in line no more. Returns the grant that the gate must hear of again, if its key is held. An adopted one that is not within the
   * limits is revoked: whoever asks has started nothing, and the Lease may be a write whose outcome its leader never knew, so that the slots went to others.
   */
  ask(ticket: Ticket, nowMs: number): Grant | undefined {
    this.#asking.add(ticket, nowMs)
    this.#returning.remove(ticket.podUid)
    // The init containers run anew, so all that ran in the sandbox before is dead.
    this.#holdings.end(ticket.podUid, 'Failed', ticket.attempt)
    const { key } = ticket
    const grant = this.#holdings.get(key)
    if (grant && this.#holdings.isUnconfirmed(key) && !this.#admission.isWithinLimits(grant)) this.revoke(key)
    this.#holdings.confirm(key)
    return this.#holdings.get(key)
  }

  /** Keys of the pod's other runs that are in line: connections of a node that crashed are not known to be dead for a quarter of an hour. */
  otherRuns(ticket: Ticket): string[] {
    return this.#asking.otherRuns(ticket)
  }

  /** What a pod's agent says of its containers in run `attempt`: what changed, or all that it knows. */
  report(podUid: string, attempt: number, reports: readonly AgentReport[], nowMs: number): void {
    if (this.#reports.take(podUid, attempt, reports, nowMs)) this.#touch(podUid)
  }

  reportsOf(podUid: string, attempt: number): ReadonlyMap<string, Report> | undefined {
    return this.#reports.of(podUid, attempt)
  }

  withdraw(key: string): void {
    this.#asking.remove(key)
  }

  /**
   * Counts a grant that a Lease tells of; its timeout runs from now. Show the pods first: a grant of a pod never shown is
   * held until its timeout or `removePod`.
   */
  adopt(grant: Grant, nowMs: number): void {
    if (!this.#holdings.get(grant.key)) this.#holdings.add(grant, nowMs, true)
  }

  /** A term begins, and all pods and grants have been shown: gates that wait by their pods' status have until then to come back in. */
  expectReturns(untilMs: number): void {
    this.#returning.begin(
      [...this.#pods.values()].map(({ pod }) => pod),
      untilMs,
    )
  }

  grantOf(key: string): Grant | undefined {
    return this.#holdings.get(key)
  }

  /** The grant could not be made durable, or its Lease was deleted: its slots are free, and its gate, if still there, waits again. */
  revoke(key: string): void {
    const grant = this.#holdings.get(key)
    if (grant) {
      this.#progress.revoked(grant)
      this.#admission.revoked(grant)
    }
    this.#holdings.remove(key)
  }

  /** `wallMs` only tells how old a container is that was never seen before. */
  step(nowMs: number, term: number, wallMs = 0): Step {
    this.#wallMs = wallMs
    const { releases, timeouts } = this.#settle(nowMs)
    this.#settleDebts(nowMs, wallMs)
    const { free, lines, setAside } = this.#sortOut(nowMs)
    const away = this.#away(nowMs)
    const { overdue, cycles, wakeAtMs: afterAtMs } = this.#after.takeNews()
    const grants = free.map(ticket => this.#grant(ticket, nowMs, term))
    const oversize: Step['oversize'] = []
    const passes: Step['passes'] = []
    this.#blocked = []
    for (const [resource, tickets] of Object.entries(lines) as [Resource, Ticket[]][]) {
      const {
        taken,
        passes: passing,
        blocked,
      } = this.#admission.decide(resource, { tickets, away: away[resource] }, nowMs)
      for (const { ticket, oversizeIn } of taken) {
        grants.push(this.#grant(ticket, nowMs, term))
        for (const scope of oversizeIn) oversize.push({ key: ticket.key, scope: scope.id })
      }
      for (const { ticket, reason } of passing) {
        grants.push(this.#grant(ticket, nowMs, term))
        passes.push({ key: ticket.key, reason })
      }
      this.#blocked.push(...blocked)
    }
    const waiting = [...this.#blocked.map(b => this.#waitingOf(b)), ...setAside]
    const times = [this.#debts.wakeAtMs(), this.#admission.wakeAtMs(), afterAtMs, this.#returning.wakeAtMs()]
    const wakeAtMs = times.reduce(earliest, this.#holdings.wakeAtMs())
    return { grants, oversize, passes, releases, timeouts, overdue, cycles, waiting, wakeAtMs }
  }

  /** The cluster, and every scope in which slots are held or waited for. */
  usage(): ScopeUsage[] {
    const limit = (resource: Resource, scopeId: string) => limitAt(resource, scopeId, this.#facts)
    const waiting = this.#blocked.map(({ ticket, obstacle }) => ({ ...ticket, scopeId: obstacle.scope.id }))
    return this.#parts.usage.rows(waiting, limit)
  }

  #settle(nowMs: number): { releases: Release[]; timeouts: SlotTimeout[] } {
    const { ended, timeouts } = this.#holdings.settle(nowMs, ({ podUid, attempt, nodeName }) => {
      const entry = this.#pods.get(podUid)
      return {
        pod: entry?.pod,
        nodeLost: (entry?.nodeGone || this.#nodes.get(nodeName)?.lost) ?? false,
        readiness: entry && sequenceOf(entry.pod)?.readiness,
        reports: this.#reports.of(podUid, attempt),
      }
    })
    for (const { release, gateEnded } of ended) {
      // A gate that still listens was never told, so its pod must go on waiting; any other has been served.
      const maybeUntold = !gateEnded && (release.reason === 'TimedOut' || release.reason === 'NodeLost')
      if (maybeUntold) this.#progress.revoked(release.grant)
      else this.#asking.remove(release.grant.key)
    }
    for (const { release } of ended) this.#debts.touch(release.grant.podUid)
    for (const { grant } of timeouts) this.#debts.touch(grant.podUid)
    return { releases: ended.map(({ release }) => release), timeouts }
  }

  #settleDebts(nowMs: number, wallMs: number): void {
    const { settings } = this.#facts
    this.#debts.settle({ ms: nowMs, wallMs }, podUid => {
      const entry = this.#pods.get(podUid)
      if (!entry) return undefined
      const { pod, nodeGone } = entry
      const isOff = this.#namespaces.get(pod.metadata.namespace ?? '')?.mode === 'off'
      return {
        pod,
        holding: this.#holdings.holding(podUid),
        isExempt: isOff || nodeGone || (this.#nodes.get(pod.spec.nodeName ?? '')?.lost ?? false),
        reports: this.#reports.latest(podUid),
        settleMs: settings.settleMs,
        startTimeoutMsOf: startTimeoutIn(pod, this.#facts),
      }
    })
  }

  #touch(podUid: string): void {
    this.#holdings.touch(podUid)
    this.#debts.touch(podUid)
  }

  /** Parts those who wait into who passes without a decision, who cannot be decided on, and who stands in line. */
  #sortOut(nowMs: number): { free: Ticket[]; lines: Record<Resource, Ticket[]>; setAside: Waiting[] } {
    const free: Ticket[] = []
    const setAside: Waiting[] = []
    const lines: Record<Resource, Ticket[]> = { pull: [], start: [] }
    for (const asked of this.#asking.tickets()) {
      const ticket = this.#lacking(asked)
      const { key, resource } = ticket
      if (this.#holdings.get(key)) continue
      const place = this.#placeOf(ticket, nowMs)
      if (place === 'free') free.push(ticket)
      else if (place === 'in line') lines[resource].push(ticket)
      else setAside.push({ key, resource, namespace: ticket.namespace, place: 1, of: 1, ...place })
    }
    return { free: free.sort(compareTickets), lines, setAside }
  }

  /** Those who would stand in line if they were back. */
  #away(nowMs: number): Record<Resource, Ticket[]> {
    const away: Record<Resource, Ticket[]> = { pull: [], start: [] }
    for (const known of this.#returning.tickets(nowMs)) {
      const ticket = this.#lacking(known)
      const pod = this.#pods.get(ticket.podUid)?.pod
      if (!pod || this.#holdings.get(ticket.key) || this.#after.isHeldBack(ticket, pod)) continue
      if (this.#placeOf(ticket, nowMs) === 'in line') away[ticket.resource].push(ticket)
    }
    return away
  }

  #placeOf(ticket: Ticket, nowMs: number): 'free' | 'in line' | Pick<Waiting, 'cause' | 'reason'> {
    const { resource, nodeName, podUid, namespace } = ticket
    const mode = this.#namespaces.get(namespace)?.mode
    const pod = this.#pods.get(podUid)?.pod
    if (mode === 'off') return 'free'
    if (!pod) return { cause: 'pod-unknown', reason: podUnknownReason(resource) }
    if (this.#nodes.get(nodeName)?.lost) return { cause: 'node-lost', reason: nodeLostReason(resource, nodeName) }
    if (mode === 'observe' || this.#needsNoSlot(ticket)) return 'free'
    const reason = resource === 'start' ? this.#reasonToStay(ticket, pod, nowMs) : undefined
    return reason === undefined ? 'in line' : { cause: 'order', reason }
  }

  /** Why a start ticket stands in no line yet: whoever waits for somebody else holds no slot. */
  #reasonToStay(ticket: Ticket, pod: Pod, nowMs: number): string | undefined {
    const stage = sequenceOf(pod)?.stages.findIndex(({ gate }) => gate === ticket.gate) ?? 0
    return stage <= 0
      ? this.#after.reasonToWait(ticket, pod, nowMs)
      : this.#progress.reasonToWait(ticket, pod, key => this.#holdings.get(key) !== undefined)
  }

  /** Of the images of a pull, those that are not on the node: the others cost no registry anything. */
  #lacking(ticket: Ticket): Ticket {
    if (ticket.images.length === 0) return ticket
    return { ...ticket, images: ticket.images.filter(image => !this.#isOnNode(ticket.nodeName, image)) }
  }

  /** A new leader has not heard when a gate first asked, but sees since when it runs. */
  #firstAskedAtMs(ticket: Ticket, nowMs: number): number {
    const pod = this.#pods.get(ticket.podUid)?.pod
    return Math.min(this.#asking.sinceMs(ticket) ?? nowMs, pod ? nowMs - gateAgeMs(pod, ticket, this.#wallMs) : nowMs)
  }

  #grant(ticket: Ticket, nowMs: number, term: number): Grant {
    const pod = this.#pods.get(ticket.podUid)?.pod
    const mode = this.#namespaces.get(ticket.namespace)?.mode
    const needsNoSlot = mode === 'off' || this.#needsNoSlot(ticket)
    this.#progress.granted(ticket)
    const grant: Grant = {
      ...ticket,
      slots: needsNoSlot ? 0 : ticket.slots,
      term,
      grantedAtMs: 0,
      timeoutMs: timeoutOf(ticket, pod, this.#facts),
      staleContainerIds: pod ? staleContainerIds(pod) : [],
      ...(mode === 'observe' && { isObserved: true as const }),
    }
    if (needsNoSlot) this.#asking.remove(ticket.key)
    else this.#holdings.add(grant, nowMs, false)
    return grant
  }

  #needsNoSlot(ticket: Ticket): boolean {
    const { resource, nodeName, images, podUid } = ticket
    // Two pods that pull one image to one node make one pull.
    if (resource === 'pull') return images.every(image => this.#holdings.isPulling(nodeName, image))
    const pod = this.#pods.get(podUid)?.pod
    return this.#holdings.covers(ticket) || (pod !== undefined && this.#progress.isPassed(ticket, pod))
  }

  #isOnNode(nodeName: string, image: string): boolean {
    return (this.#nodes.get(nodeName)?.images.has(image) ?? false) || this.#images.has(nodeName, image)
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

  #nodeGone(name: string, isGone: boolean): void {
    for (const [uid, entry] of this.#pods) {
      if (entry.pod.spec.nodeName !== name) continue
      entry.nodeGone = isGone
      this.#touch(uid)
    }
  }
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}
