import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { AgentRequest, GateRequest, ReportsRequest } from '../../core/lease-api.ts'
import type { Logger } from '../../core/log.ts'
import type { GateName } from '../../core/names.ts'
import type { NamespaceFold } from '../../core/namespace-settings.ts'
import type { Namespace, Node, Pod } from '../../core/pod.ts'
import type { Pressure } from '../../core/pressure.ts'
import type { FindWorkload } from './after-waits.ts'
import { type AgentStream, AgentStreams } from './agent-streams.ts'
import type { ConditionWriter } from './condition-writer.ts'
import { containersSeen } from './container-view.ts'
import { awayMs } from './far-back.ts'
import { GrantWriter } from './grant-writer.ts'
import { RefusedError } from './identity.ts'
import type { LeaseStore } from './lease-store.ts'
import { withLeave } from './leave.ts'
import { Ledger } from './ledger.ts'
import type { ClusterSettings } from './limits.ts'
import type { ServiceMetrics } from './metrics.ts'
import type { Grant, Release, SlotTimeout, Waiting } from './model.ts'
import { NodePressures } from './node-pressures.ts'
import { sequenceOf } from './pod-sequence.ts'
import { type QueueLength, queueLengths } from './queue-length.ts'
import type { Reporter } from './reporter.ts'
import type { Directions } from './service.ts'
import { startedCondition } from './started-condition.ts'
import { type Stream, Streams } from './streams.ts'
import { ticketOf } from './ticket.ts'

export interface LeadershipDeps {
  term: number
  /** Where gates find this replica (host:port). */
  address: string
  store: LeaseStore
  settings: ClusterSettings
  confirmTerm: () => Promise<boolean>
  onTermLost: (reason: string) => void
  /** undefined when there is no such pod. */
  getPod: (namespace: string, name: string) => Promise<Pod | undefined>
  findWorkload: FindWorkload
  conditions: Pick<ConditionWriter, 'put' | 'removePod'>
  metrics: ServiceMetrics
  reporter: Reporter
  clock: Clock
  /** In [0, 1). */
  random: () => number
  log: Logger
}

const BEAT_MS = 1_000
const RECONCILE_MS = 30_000
/** A step is n log n in those who wait: it rests this many times as long as it took, so that there is time to answer. */
const REST_PER_STEP = 3
const LONGEST_REST_MS = 250

/**
 * One term of one leader: joins the ledger (what is granted), the writer (what is durable) and the streams (who listens).
 * Made new at every takeover, so nothing is remembered that is not in a Lease or in the API.
 */
export class Leadership {
  readonly #deps: LeadershipDeps
  readonly #ledger: Ledger
  readonly #writer: GrantWriter
  readonly #streams = new Streams()
  readonly #agents = new AgentStreams()
  readonly #pressures: NodePressures
  readonly #pods = new Map<string, Pod>()
  /** Pods whose label was taken off while they live: the watch does not show them any more. */
  readonly #strays = new Map<string, Pod>()
  readonly #askedAtMs = new Map<string, number>()
  readonly #adopted: Grant[] = []
  /** Containers that were not ready in time, by run. */
  readonly #timedOut = new Map<string, Set<string>>()
  #waiting: Waiting[] = []
  #timers: NodeJS.Timeout[] = []
  #wake: NodeJS.Timeout | undefined
  #reconciling: Promise<void> | undefined
  #stepPlanned = false
  #restUntilMs = 0
  #stopped = false
  #started = false

  constructor(deps: LeadershipDeps) {
    this.#deps = deps
    const { settings, findWorkload } = deps
    this.#pressures = new NodePressures(settings.node.maxPressure)
    const { overloads } = this.#pressures
    this.#ledger = new Ledger(settings, { findWorkload, overloads }, deps.clock.monotonicMs())
    this.#writer = new GrantWriter({
      store: deps.store,
      confirmTerm: deps.confirmTerm,
      onDurable: grant => this.#answer(grant),
      onFailed: grant => {
        this.#ledger.revoke(grant.key)
        this.#planStep()
      },
      onTermLost: deps.onTermLost,
      log: deps.log,
    })
  }

  /** Reads the stored grants and counts them all; objects that are no grants are reported and left alone. */
  async adoptStored(): Promise<void> {
    const { stored, foreign } = await this.#deps.store.list()
    const { clock, store, term } = this.#deps
    for (const { grant, version } of stored) {
      // Terms start over when somebody deletes the election Lease; an object of a higher term could never be written again.
      const isAhead = grant.term > term
      const current = isAhead ? { ...grant, term } : grant
      this.#writer.adopt(current, isAhead ? await store.put(current, version) : version)
      this.#ledger.adopt(current, clock.monotonicMs())
      this.#adopted.push(current)
    }
    for (const { name } of foreign)
      this.#deps.log.warn({ lease: name }, 'this Lease has our label but holds no grant: not counted; delete it')
    this.#deps.log.info({ term: this.#deps.term, grants: stored.length }, 'leading')
  }

  /** Call it when the watches' objects have been handed in. */
  start(): void {
    this.#started = true
    void this.#checkUnknownPods()
    this.#timers = [setInterval(() => this.#beat(), BEAT_MS), setInterval(() => this.#reconcile(), RECONCILE_MS)]
    this.#planStep()
  }

  /** Ends all streams with what `message` makes and grants nothing more. */
  stop(message: () => Directions): void {
    this.#stopped = true
    this.#writer.stop()
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#wake)
    this.#streams.endAll(message)
    this.#agents.endAll(message)
  }

  pod(uid: string): Pod | undefined {
    return this.#pods.get(uid)
  }

  usage(): ReturnType<Ledger['usage']> {
    return this.#ledger.usage()
  }

  queueLengths(): QueueLength[] {
    return queueLengths(this.#waiting, key => this.#askedAtMs.get(key), this.#deps.clock.monotonicMs())
  }

  /** What gates have told of their nodes lately. */
  pressures(): ReturnType<NodePressures['figures']> {
    return this.#pressures.figures()
  }

  streamCount(): number {
    return this.#streams.size + this.#agents.size
  }

  podChanged(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    this.#pods.set(uid, pod)
    this.#strays.delete(uid)
    this.#ledger.upsertPod(pod, this.#deps.clock.monotonicMs())
    this.#tellAgent(pod)
    this.#deps.reporter.podChanged(pod)
    this.#planStep()
  }

  podUnseen(pod: Pod): void {
    this.#strays.set(pod.metadata.uid ?? '', pod)
    void this.#checkStray(pod)
  }

  nodeChanged(node: Node): void {
    this.#ledger.upsertNode(node)
    this.#planStep()
  }

  nodeGone(name: string): void {
    this.#ledger.removeNode(name)
    this.#planStep()
  }

  /** `fold` is what is in force, last good values included. */
  namespaceChanged(namespace: Namespace, fold: NamespaceFold): void {
    const { settings, problems } = withLeave(fold, this.#deps.settings, namespace.metadata.annotations)
    this.#deps.reporter.namespaceProblems(namespace, problems)
    this.#ledger.setNamespace(namespace.metadata.name ?? '', settings)
    this.#planStep()
  }

  namespaceGone(name: string): void {
    this.#ledger.removeNamespace(name)
    this.#planStep()
  }

  /** Puts a gate in line, or answers it again where its grant stands. Throws RefusedError. */
  connect(
    pod: Pod,
    gate: GateName,
    { attempt, pressure }: Pick<GateRequest, 'attempt' | 'pressure'>,
    stream: Stream,
  ): () => void {
    const { clock } = this.#deps
    const ticket = ticketOf(pod, { gate, attempt })
    if ('refused' in ticket) throw new RefusedError(403, 'NO_SUCH_GATE', ticket.refused)
    const { key } = ticket
    const nowMs = clock.monotonicMs()
    this.#streams.open(key, stream, nowMs)
    if (!this.#askedAtMs.has(key)) this.#askedAtMs.set(key, nowMs)
    const granted = this.#ledger.grantOf(key)
    // Its answer was lost, or a former leader gave it: made durable in our term, then said again.
    if (granted) this.#writer.submit({ ...granted, term: this.#deps.term })
    this.#ledger.ask(ticket, nowMs)
    if (pressure) this.takePressure(pod, pressure)
    this.#planStep()
    return () => {
      if (this.#stopped || !this.#streams.close(key, stream)) return
      this.#ledger.withdraw(key)
      this.#planStep()
    }
  }

  /** A gate tells what the pressure on its node is: on the one that the API says its pod is on. */
  takePressure({ metadata, spec }: Pod, pressure: Pressure): void {
    this.#pressures.take(spec.nodeName ?? '', metadata.uid ?? '', pressure, this.#deps.clock.monotonicMs())
    this.#planStep()
  }

  /** Takes in the agent of a sequenced pod with all it knows, and shows it what the pod's status says. Throws RefusedError. */
  connectAgent(pod: Pod, { podUid, attempt, reports }: AgentRequest, stream: AgentStream): () => void {
    // Before anything is kept for it: a refused caller has no stream to close.
    this.#requireAgent(pod)
    this.#agents.open(podUid, attempt, stream)
    this.report(pod, { podUid, attempt, reports })
    return () => void (this.#stopped || this.#agents.close(podUid, stream))
  }

  /** Takes in what an agent reports. Throws RefusedError. */
  report(pod: Pod, { podUid, attempt, reports }: ReportsRequest): void {
    this.#requireAgent(pod)
    this.#ledger.report(podUid, attempt, reports, this.#deps.clock.monotonicMs())
    this.#tellAgent(pod)
    this.#planStep()
  }

  #requireAgent(pod: Pod): void {
    const { namespace, name } = pod.metadata
    if (!sequenceOf(pod)) throw new RefusedError(403, 'NO_AGENT', `pod ${namespace}/${name} has no agent in its spec`)
  }

  /** A workload that somebody comes after has changed. */
  workloadChanged(): void {
    this.#planStep()
  }

  /** Shows an agent what its pod's status says, and people what both say together. */
  #tellAgent(pod: Pod): void {
    const { uid = '' } = pod.metadata
    const attempt = this.#agents.attemptOf(uid)
    const sequence = sequenceOf(pod)
    if (attempt === undefined || !sequence) return
    this.#agents.tell(uid, containersSeen(pod, sequence, attempt), this.#deps.clock.monotonicMs())
    const timedOut = this.#timedOut.get(runOf(uid, attempt)) ?? new Set()
    const facts = { attempt, reports: this.#ledger.reportsOf(uid, attempt), timedOut }
    this.#deps.conditions.put(pod, startedCondition(pod, sequence, facts))
  }

  #timeOut(timeout: SlotTimeout): void {
    const { podUid, attempt } = timeout.grant
    const pod = this.#pods.get(podUid)
    this.#deps.reporter.timedOut(timeout, pod)
    if (!pod || !sequenceOf(pod)) return
    const run = runOf(podUid, attempt)
    this.#timedOut.set(run, (this.#timedOut.get(run) ?? new Set()).add(timeout.container))
    this.#tellAgent(pod)
  }

  /** All that happens in one turn of the event loop, or while a long step's rest lasts, is decided on in one step. */
  #planStep(): void {
    if (this.#stepPlanned || this.#stopped || !this.#started) return
    this.#stepPlanned = true
    const restMs = this.#restUntilMs - this.#deps.clock.monotonicMs()
    const run = () => {
      this.#stepPlanned = false
      if (!this.#stopped) this.#timedStep()
    }
    if (restMs > 0) setTimeout(run, restMs)
    else setImmediate(run)
  }

  #timedStep(): void {
    const { clock } = this.#deps
    const beginMs = clock.monotonicMs()
    this.#step()
    const endMs = clock.monotonicMs()
    this.#restUntilMs = endMs + Math.min(LONGEST_REST_MS, REST_PER_STEP * (endMs - beginMs))
  }

  #step(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    this.#pressures.expire(nowMs)
    const step = this.#ledger.step(nowMs, this.#deps.term, this.#deps.clock.wallMs())
    const { grants, oversize, passes, releases, waiting, wakeAtMs } = step
    const { reporter } = this.#deps
    for (const timeout of step.timeouts) this.#timeOut(timeout)
    for (const overdue of step.overdue) reporter.overdue(overdue, this.#podOf(overdue.key))
    const podsOf = (keys: string[]) => keys.flatMap(key => this.#podOf(key) ?? [])
    reporter.cycles(step.cycles.map(cycle => ({ ...cycle, pods: podsOf(cycle.keys) })))
    for (const release of releases) this.#release(release)
    for (const grant of grants) this.#grant(grant)
    for (const { key, scope } of oversize) reporter.oversize(this.#podOf(key), scope)
    for (const { key, reason } of passes) {
      const pod = this.#podOf(key)
      reporter.passed(pod, reason)
      this.#deps.metrics.passed(pod?.metadata.namespace ?? '')
    }
    this.#waiting = waiting
    for (const row of waiting) {
      this.#tell(row, nowMs)
      reporter.waiting(row, this.#askedAtMs.get(row.key) ?? nowMs, this.#podOf(row.key))
    }
    this.#askForPressure(waiting, nowMs)
    clearTimeout(this.#wake)
    if (wakeAtMs !== undefined)
      this.#wake = setTimeout(() => this.#planStep(), Math.min(BEAT_MS, Math.max(0, wakeAtMs - nowMs)))
  }

  #tell(row: Waiting, nowMs: number): void {
    const afterMs = awayMs(row, this.#deps.random())
    if (afterMs === undefined) {
      this.#streams.tell(row, nowMs)
      return
    }
    this.#streams.askAgain(row.key, row.reason, afterMs)
    // At once, not when the stream has ended: whoever is away must not be given a slot.
    this.#ledger.withdraw(row.key)
  }

  #askForPressure(waiting: readonly Waiting[], nowMs: number): void {
    if (!this.#pressures.isOn) return
    const witnesses = waiting.flatMap(({ key }) => {
      const { metadata, spec } = this.#podOf(key) ?? {}
      if (!metadata?.uid || !spec?.nodeName || !this.#streams.has(key)) return []
      return [{ key, podUid: metadata.uid, nodeName: spec.nodeName }]
    })
    for (const key of this.#pressures.ask(witnesses, nowMs, this.#deps.random))
      this.#streams.askPressure(key, this.#deps.address, nowMs)
  }

  #grant(grant: Grant): void {
    // Stamped here: the ledger has no wall clock.
    if (grant.slots === 0) this.#answer(grant)
    else this.#writer.submit({ ...grant, grantedAtMs: this.#deps.clock.wallMs() })
  }

  #answer(grant: Grant): void {
    const waitedMs = this.#deps.clock.monotonicMs() - (this.#askedAtMs.get(grant.key) ?? this.#deps.clock.monotonicMs())
    const answered = this.#streams.grant(grant.key, grant.slots === 0 ? undefined : grant.key)
    this.#askedAtMs.delete(grant.key)
    this.#ledger.withdraw(grant.key)
    const { namespace, podName: pod, nodeName: node, resource, slots } = grant
    this.#deps.log.info({ namespace, pod, node, resource, slots, waitedMs, answered }, 'granted')
    if (answered) this.#deps.metrics.granted(grant, waitedMs)
    if (answered) this.#deps.reporter.granted(grant)
  }

  #release({ grant, reason }: Release): void {
    this.#writer.release(grant.key)
    // A gate that still listens was about to hear of a grant that is no more.
    this.#streams.askAgain(grant.key, 'the grant ended before it could be told')
    this.#ledger.withdraw(grant.key)
    const { namespace, podName: pod, nodeName: node, resource, slots } = grant
    this.#deps.log.info({ namespace, pod, node, resource, slots, reason }, 'released')
    this.#deps.metrics.released(grant, reason)
    this.#deps.reporter.released(grant, reason, this.#pods.get(grant.podUid))
  }

  #podOf(key: string): Pod | undefined {
    return this.#pods.get(key.split('.')[1] ?? '')
  }

  #beat(): void {
    this.#streams.beat(this.#deps.clock.monotonicMs())
    this.#agents.beat(this.#deps.clock.monotonicMs())
    this.#planStep()
  }

  /** Grants of pods that the watch does not show: the pod ended while nobody led, or has lost its label. */
  async #checkUnknownPods(): Promise<void> {
    for (const { podUid, podName, namespace } of this.#adopted) {
      if (this.#pods.has(podUid)) continue
      const pod: Pod = { metadata: { uid: podUid, name: podName, namespace }, spec: { containers: [] } }
      this.#strays.set(podUid, pod)
      await this.#checkStray(pod)
    }
  }

  /** A pod that left the watch may live on without its label: only the API server's word frees its slots. */
  async #checkStray(last: Pod): Promise<void> {
    const { uid = '', namespace = '', name = '' } = last.metadata
    const now = await this.#deps.getPod(namespace, name).catch(error => {
      this.#deps.log.warn({ namespace, pod: name, error: messageOf(error) }, 'cannot ask for a pod; it keeps its slots')
      return last
    })
    if (this.#stopped || now === last || !this.#strays.has(uid)) return
    const nowMs = this.#deps.clock.monotonicMs()
    if (now?.metadata.uid === uid) {
      this.#pods.set(uid, now)
      this.#ledger.upsertPod(now, nowMs)
      this.#tellAgent(now)
    } else {
      this.#strays.delete(uid)
      this.#pods.delete(uid)
      this.#ledger.removePod(uid, nowMs)
      this.#agents.removePod(uid)
      this.#deps.conditions.removePod(uid)
      for (const run of this.#timedOut.keys()) if (run.startsWith(`${uid}.`)) this.#timedOut.delete(run)
      this.#deps.reporter.podGone(uid)
    }
    this.#planStep()
  }

  /** Compares ledger and Leases: what nobody counts is deleted, what somebody deleted is no longer counted. */
  #reconcile(): void {
    // One at a time: with a slow API server they would pile up.
    this.#reconciling ??= this.#compare()
      .catch(error => this.#deps.log.warn({ error: messageOf(error) }, 'cannot compare the ledger with the Leases'))
      .finally(() => {
        this.#reconciling = undefined
      })
  }

  async #compare(): Promise<void> {
    for (const pod of this.#strays.values()) await this.#checkStray(pod)
    for (const key of this.#askedAtMs.keys()) if (!this.#pods.has(key.split('.')[1] ?? '')) this.#askedAtMs.delete(key)
    const durableBefore = this.#writer.durableKeys()
    const { stored } = await this.#deps.store.list()
    if (this.#stopped) return
    const listed = new Set(stored.map(({ grant }) => grant.key))
    for (const { grant, version } of stored) {
      if (this.#writer.knows(grant.key) || this.#ledger.grantOf(grant.key)) continue
      this.#deps.log.warn({ lease: grant.key }, 'a Lease nobody holds: deleted')
      await this.#deps.store.remove(grant.key, version)
    }
    for (const key of durableBefore) {
      if (listed.has(key) || !this.#writer.durableKeys().has(key)) continue
      this.#deps.log.warn({ lease: key }, 'somebody deleted this Lease: its slots are free')
      this.#writer.forget(key)
      this.#ledger.revoke(key)
      this.#planStep()
    }
  }
}

function runOf(podUid: string, attempt: number): string {
  return `${podUid}.${attempt}`
}
