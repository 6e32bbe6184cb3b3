import type { Clock } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { AgentRequest, GateRequest, ReportsRequest } from '../../../core/lease-api.ts'
import type { Logger } from '../../../core/log.ts'
import type { GateName } from '../../../core/names.ts'
import type { NamespaceFold } from '../../../core/namespace-settings.ts'
import type { Namespace, Node, Pod } from '../../../core/pod.ts'
import type { Pressure } from '../../../core/pressure.ts'
import type { FindWorkload } from '../after/after-waits.ts'
import { Ledger } from '../ledger/ledger.ts'
import type { Step } from '../ledger/step.ts'
import { withLeave } from '../limits/chart-permissions.ts'
import type { ClusterSettings } from '../limits/cluster-settings.ts'
import { NodePressures } from '../limits/node-pressure.ts'
import { type Grant, isFree, podUidOf, type Release } from '../model/grant.ts'
import { RefusedError } from '../model/refusal.ts'
import type { AgentStream, Directions, Stream } from '../model/stream.ts'
import { reasonOfError, type Trouble } from '../model/trouble.ts'
import type { NodeFold } from '../pods/node-facts.ts'
import { inForce } from '../pods/opted-in.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { type BadAnnotationRow, BadAnnotations } from '../report/annotation-problems.ts'
import type { ConditionWriter } from '../report/condition-writer.ts'
import type { Reporter } from '../report/event-reporter.ts'
import type { ServiceMetrics } from '../report/metrics.ts'
import type { QueueLength } from '../report/queue-length.ts'
import type { StartedIndex } from '../started/started-index.ts'
import { GrantWriter } from '../store/grant-writer.ts'
import type { LeaseStore } from '../store/lease-store.ts'
import { compareWithStore } from '../store/store-reconciler.ts'
import { AgentStreams } from '../streams/agent-streams.ts'
import { SequenceTeller } from '../streams/agent-updates.ts'
import { GateDesk } from '../streams/gate-connections.ts'
import { MAX_AGENT_STREAMS, MAX_STREAMS } from '../streams/reconnect-policy.ts'
import { RequestRates } from '../streams/request-rates.ts'
import { StepPace } from './step-scheduler.ts'
import { Strays } from './unwatched-pods.ts'

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
  /** Pods past starting, as the watch shows them. */
  started: StartedIndex
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
/**
 * If no grant could be stored for this long (for example, a quota or policy rejects our Leases), stop sending to gates
 * so that they fail open. Equals the default failOpenAfter.
 */
const MUTE_AFTER_MS = 60_000
const NO_ROOM = 'as many gates are connected as there may be'
const ANOTHER_RUN = 'another run of this pod has asked'
/**
 * One term of one leader: joins the ledger (what is granted), the writer (what is durable) and the streams (who
 * listens). Made new at every takeover, so nothing is remembered that is not in a Lease or in the API.
 */
export class Leadership {
  readonly #deps: LeadershipDeps
  readonly #ledger: Ledger
  readonly #writer: GrantWriter
  readonly #gates: GateDesk
  readonly #pace: StepPace
  readonly #agents = new AgentStreams()
  readonly #pressures: NodePressures
  readonly #rates: RequestRates
  readonly #badAnnotations = new BadAnnotations()
  /** Those that are not past starting. */
  readonly #pods = new Map<string, Pod>()
  readonly #strays: Strays
  readonly #sequences: SequenceTeller
  readonly #adopted: Grant[] = []
  #timers: NodeJS.Timeout[] = []
  #reconciling: Promise<void> | undefined
  #stopped = false
  #started = false
  #isMute = false
  /** Since when every step has failed. */
  #failingSinceMs: number | undefined

  constructor(deps: LeadershipDeps) {
    this.#deps = deps
    const { settings, findWorkload } = deps
    this.#pressures = new NodePressures(settings.node.maxPressure)
    this.#rates = new RequestRates(() => deps.clock.monotonicMs())
    const { overloads } = this.#pressures
    this.#ledger = new Ledger(settings, { findWorkload, overloads, started: deps.started }, deps.clock.monotonicMs())
    this.#pace = new StepPace(deps.clock, () => this.#step())
    this.#gates = new GateDesk({
      address: deps.address,
      pressures: this.#pressures,
      podOf: key => this.#podOf(key),
      onAway: key => this.#ledger.withdraw(key),
      reporter: deps.reporter,
      isMute: () => this.#isMute,
      agents: () => this.#agents.size,
      isQuiet: key => this.#ledger.isQuiet({ key, podUid: podUidOf(key) }),
      clock: deps.clock,
      random: deps.random,
    })
    this.#sequences = new SequenceTeller({
      agents: this.#agents,
      reportsOf: (podUid, attempt) => this.#ledger.reportsOf(podUid, attempt),
      conditions: deps.conditions,
      clock: deps.clock,
    })
    this.#strays = new Strays({
      getPod: deps.getPod,
      onAlive: pod => this.#strayLives(pod),
      onGone: uid => this.#podGone(uid),
      log: deps.log,
    })
    this.#writer = new GrantWriter({
      store: deps.store,
      confirmTerm: deps.confirmTerm,
      onDurable: grant => {
        this.#ledger.stored(grant)
        this.#answer(grant)
      },
      onFailed: (grant, failure) => {
        this.#ledger.failed(grant, failure, deps.clock.monotonicMs())
        this.#planStep()
      },
      onTermLost: deps.onTermLost,
      monotonicMs: () => deps.clock.monotonicMs(),
      log: deps.log,
    })
  }

  /** Reads the stored grants and counts them all; objects that are no grants are reported and left alone. */
  async adoptStored(): Promise<void> {
    const { stored, foreign } = await this.#deps.store.list()
    const { clock, store, term } = this.#deps
    for (const { grant, version } of stored) {
      // Terms start over when somebody deletes the election Lease; an object of a higher term could never be written
      // again.
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

  /** Call it when the watches' objects have been handed in. `returnMs`: how long turns are kept. */
  start(returnMs: number): void {
    this.#started = true
    this.#ledger.expectReturns(this.#deps.clock.monotonicMs() + returnMs)
    void this.#checkUnknownPods()
    this.#timers = [setInterval(() => this.#beat(), BEAT_MS), setInterval(() => this.#reconcile(), RECONCILE_MS)]
    this.#planStep()
  }

  /** Ends all streams with what `message` makes and grants nothing more. */
  stop(message: () => Directions): void {
    this.#stopped = true
    this.#pace.stop()
    this.#strays.stop()
    this.#writer.stop()
    for (const timer of this.#timers) clearInterval(timer)
    this.#gates.endAll(message)
    this.#agents.endAll(message)
  }

  pod(uid: string): Pod | undefined {
    return this.#pods.get(uid)
  }

  usage(): ReturnType<Ledger['usage']> {
    return this.#ledger.usage()
  }

  queueLengths(): QueueLength[] {
    return this.#gates.queueLengths()
  }

  /** What gates have told of their nodes lately. */
  pressures(): ReturnType<NodePressures['figures']> {
    return this.#pressures.figures()
  }

  badAnnotations(): BadAnnotationRow[] {
    return this.#badAnnotations.rows()
  }

  streamCount(): number {
    return this.#gates.size + this.#agents.size
  }

  podChanged(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    this.#pods.set(uid, pod)
    this.#strays.remove(uid)
    try {
      this.#ledger.upsertPod(pod)
      this.#sequences.tell(pod)
      this.#deps.reporter.podChanged(pod)
    } catch (error) {
      // One that cannot be read must not end the watch of all.
      this.#trouble({ podUid: uid, kind: 'error', reason: reasonOfError(error) })
    }
    this.#planStep()
  }

  /**
   * A gate has come whose pod the watch does not show yet, which may last: it is looked after as one that the watch
   * shows no more. Returns what is known of it.
   */
  podFound(pod: Pod): Pod {
    const uid = pod.metadata.uid ?? ''
    const shown = this.#pods.get(uid)
    if (shown) return shown
    this.#strays.note(pod)
    this.#strayLives(pod)
    return pod
  }

  podUnseen(pod: Pod): void {
    void this.#strays.add(pod)
  }

  /** `fold` is what is in force, last good values included. */
  nodeChanged(node: Node, { settings, problems }: NodeFold): void {
    const { name = '' } = node.metadata
    this.#deps.reporter.nodeProblems(node, problems)
    this.#badAnnotations.set('Node', name, problems.length)
    this.#ledger.upsertNode(node, settings)
    this.#pressures.setMax(name, settings.maxPressure)
    this.#planStep()
  }

  nodeGone(name: string): void {
    this.#ledger.removeNode(name)
    this.#pressures.setMax(name, undefined)
    this.#badAnnotations.set('Node', name, 0)
    this.#deps.reporter.problemsGone('Node', name)
    this.#planStep()
  }

  /** `fold` is what is in force, last good values included. */
  namespaceChanged(namespace: Namespace, fold: NamespaceFold): void {
    const { settings, problems } = withLeave(fold, this.#deps.settings, namespace.metadata.annotations)
    this.#deps.reporter.namespaceProblems(namespace, problems)
    this.#badAnnotations.set('Namespace', namespace.metadata.name ?? '', problems.length)
    this.#ledger.setNamespace(namespace.metadata.name ?? '', inForce(namespace, settings))
    this.#planStep()
  }

  namespaceGone(name: string): void {
    this.#ledger.removeNamespace(name)
    this.#badAnnotations.set('Namespace', name, 0)
    this.#deps.reporter.problemsGone('Namespace', name)
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
    this.#rates.take(pod)
    const ticket = ticketOf(pod, { gate, attempt })
    if ('refused' in ticket) throw new RefusedError(403, 'NO_SUCH_GATE', ticket.refused)
    const { key } = ticket
    if (this.streamCount() >= MAX_STREAMS && !this.#gates.has(key)) {
      stream.end({ kind: 'retry', afterMs: this.#gates.awayMs(key), reason: NO_ROOM })
      return () => undefined
    }
    const nowMs = clock.monotonicMs()
    for (const other of this.#ledger.otherRuns(ticket)) this.#gates.askAgain(other, ANOTHER_RUN, BEAT_MS)
    this.#gates.open(ticket, stream)
    const wasHeld = this.#ledger.grantOf(key) !== undefined
    const granted = this.#ledger.ask(ticket, nowMs)
    // Its answer was lost, or a former leader gave it: made durable in our term, then said again.
    if (granted) this.#writer.submit({ ...granted, term: this.#deps.term })
    else if (wasHeld) this.#writer.release(key)
    if (pressure) this.#notePressure(pod, pressure)
    this.#planStep()
    return () => {
      if (this.#stopped || !this.#gates.close(key, stream)) return
      this.#ledger.withdraw(key)
      this.#planStep()
    }
  }

  /** A gate tells what the pressure on its node is: on the one that the API says its pod is on. */
  takePressure(pod: Pod, pressure: Pressure): void {
    this.#rates.take(pod)
    this.#notePressure(pod, pressure)
  }

  #notePressure({ metadata, spec }: Pod, pressure: Pressure): void {
    this.#pressures.take(spec.nodeName ?? '', metadata.uid ?? '', pressure, this.#deps.clock.monotonicMs())
    this.#planStep()
  }

  /**
   * Takes in the agent of a sequenced pod with all it knows, and shows it what the pod's status says. Throws
   * RefusedError.
   */
  connectAgent(pod: Pod, { podUid, attempt, reports }: AgentRequest, stream: AgentStream): () => void {
    // Before anything is kept for it: a refused caller has no stream to close.
    this.#requireAgent(pod)
    this.#rates.take(pod)
    this.#agents.open(podUid, attempt, stream)
    this.#takeReports(pod, { podUid, attempt, reports })
    // After it was told what its pod's status says, which is all it came for if it must go at once.
    if (this.#agents.size > MAX_AGENT_STREAMS || this.streamCount() > MAX_STREAMS)
      this.#agents.makeRoom(uid => this.#gates.awayMs(uid))
    return () => void (this.#stopped || this.#agents.close(podUid, stream))
  }

  /** Takes in what an agent reports. Throws RefusedError. */
  report(pod: Pod, request: ReportsRequest): void {
    this.#requireAgent(pod)
    this.#rates.take(pod)
    this.#takeReports(pod, request)
  }

  #takeReports(pod: Pod, { podUid, attempt, reports }: ReportsRequest): void {
    this.#ledger.report(podUid, attempt, reports, this.#deps.clock.monotonicMs())
    this.#sequences.tell(pod)
    this.#planStep()
  }

  #requireAgent(pod: Pod): void {
    const { namespace, name } = pod.metadata
    if (sequenceOf(pod)) return
    const why = 'has no agent in its spec with a sequence of its own containers and gates'
    throw new RefusedError(403, 'NO_AGENT', `pod ${namespace}/${name} ${why}`)
  }

  /** A workload that somebody comes after has changed. */
  workloadChanged(): void {
    this.#planStep()
  }

  #planStep(): void {
    if (this.#started) this.#pace.plan()
  }

  #step(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    this.#pressures.expire(nowMs)
    const step = this.#ledger.step(nowMs, this.#deps.term, this.#deps.clock.wallMs())
    const { grants, oversize, passes, releases, waiting, wakeAtMs } = step
    const { reporter } = this.#deps
    this.#heedStep(step, nowMs)
    for (const timeout of step.timeouts) {
      const pod = this.#pods.get(timeout.grant.podUid)
      reporter.timedOut(timeout, pod)
      if (pod) this.#sequences.timedOut(pod, timeout)
    }
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
    this.#gates.tell(waiting)
    this.#pace.planIn(wakeAtMs === undefined ? undefined : Math.min(BEAT_MS, wakeAtMs - nowMs))
  }

  /**
   * What could not be decided: single pods are told of; what concerns all is tried again, and if it lasts nobody is
   * kept waiting for it.
   */
  #heedStep({ troubles, failure }: Step, nowMs: number): void {
    for (const trouble of troubles) this.#trouble(trouble)
    if (failure === undefined) {
      this.#failingSinceMs = undefined
      return
    }
    this.#failingSinceMs ??= nowMs
    this.#deps.metrics.stepFailed()
    this.#deps.log.error({ error: reasonOfError(failure) }, 'a decision failed; it is tried again')
  }

  #trouble(trouble: Trouble): void {
    const pod = this.#pods.get(trouble.podUid)
    const { namespace, name } = pod?.metadata ?? {}
    this.#deps.log.warn({ namespace, pod: name, ...trouble }, 'a pod is set aside')
    this.#deps.metrics.setAside(trouble.kind)
    this.#deps.reporter.setAside(trouble, pod)
  }

  #grant(grant: Grant): void {
    // Stamped here: the ledger has no wall clock.
    if (isFree(grant)) {
      this.#answer(grant)
      return
    }
    this.#gates.decided(grant.key)
    this.#writer.submit({ ...grant, grantedAtMs: this.#deps.clock.wallMs() })
  }

  #answer(grant: Grant): void {
    const { waitedMs, answered } = this.#gates.answer(grant)
    this.#ledger.withdraw(grant.key)
    const { namespace, podName: pod, nodeName: node, resource, slots } = grant
    this.#deps.log.info({ namespace, pod, node, resource, slots, waitedMs, answered }, 'granted')
    if (answered) this.#deps.metrics.granted(grant, waitedMs)
    if (answered) this.#deps.reporter.granted(grant)
  }

  #release({ grant, reason }: Release): void {
    this.#writer.release(grant.key)
    // A gate that still listens was about to hear of a grant that is no more.
    this.#gates.askAgain(grant.key, 'the grant ended before it could be told')
    this.#ledger.withdraw(grant.key)
    const { namespace, podName: pod, nodeName: node, resource, slots } = grant
    this.#deps.log.info({ namespace, pod, node, resource, slots, reason }, 'released')
    this.#deps.metrics.released(grant, reason)
    this.#deps.reporter.released(grant, reason, this.#pods.get(grant.podUid))
  }

  #podOf(key: string): Pod | undefined {
    return this.#pods.get(podUidOf(key))
  }

  #beat(): void {
    this.#heedFailures()
    this.#shrinkStarted()
    this.#gates.beat()
    this.#agents.beat(this.#deps.clock.monotonicMs())
    this.#planStep()
  }

  /** What the watch keeps of a pod past starting is enough, once nobody here waits for anything of it. */
  #shrinkStarted(): void {
    const { started } = this.#deps
    for (const [uid, { metadata }] of this.#pods) {
      if (started.get(uid)?.metadata.resourceVersion !== metadata.resourceVersion) continue
      if (this.#agents.attemptOf(uid) !== undefined || !this.#ledger.isIdle(uid)) continue
      this.#pods.delete(uid)
      this.#ledger.forgetStarted(uid)
      this.#gates.removePod(uid)
      this.#rates.removePod(uid)
      this.#sequences.removePod(uid)
      this.#deps.reporter.podGone(uid)
    }
  }

  #heedFailures(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    const stepFailsForMs = nowMs - (this.#failingSinceMs ?? nowMs)
    const isMute = Math.max(this.#writer.failingForMs(), stepFailsForMs) > MUTE_AFTER_MS
    if (isMute && !this.#isMute)
      this.#deps.log.error('nothing could be granted for a minute: gates are told nothing, so that they fail open')
    this.#isMute = isMute
  }

  /**
   * Grants of pods that the watch does not show: the pod ended while nobody led, or has lost its label. Or it got past
   * starting meanwhile.
   */
  async #checkUnknownPods(): Promise<void> {
    const unknown = this.#adopted.filter(({ podUid }) => !this.#pods.has(podUid))
    const podOf = ({ podUid, podName, namespace }: Grant) => ({ uid: podUid, name: podName, namespace })
    await Promise.all(unknown.map(g => this.#strays.add({ metadata: podOf(g), spec: { containers: [] } })))
  }

  #strayLives(pod: Pod): void {
    const { uid = '' } = pod.metadata
    this.#pods.set(uid, pod)
    // The watch shows it, but keeps too little of it: its changes will come.
    if (this.#deps.started.get(uid)) this.#strays.remove(uid)
    this.#ledger.upsertPod(pod)
    this.#sequences.tell(pod)
    this.#planStep()
  }

  #podGone(uid: string): void {
    this.#pods.delete(uid)
    this.#ledger.removePod(uid)
    this.#gates.removePod(uid)
    this.#rates.removePod(uid)
    this.#sequences.removePod(uid)
    this.#deps.reporter.podGone(uid)
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
    await this.#strays.checkAll()
    const { store, confirmTerm, log } = this.#deps
    const isCounted = (key: string) => this.#ledger.grantOf(key) !== undefined
    const isStopped = () => this.#stopped
    const deleted = await compareWithStore({
      store,
      writer: this.#writer,
      isCounted,
      confirmTerm,
      isStopped,
      log,
    })
    for (const key of deleted) this.#ledger.revoke(key)
    if (deleted.length > 0) this.#planStep()
  }
}
