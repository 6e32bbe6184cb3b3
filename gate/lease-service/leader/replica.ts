import type { AgentRequest, GateRequest, PressureRequest, ReportsRequest } from '../../../core/lease-api.ts'
import type { GateName } from '../../../core/names.ts'
import { foldNamespace, type NamespaceFold } from '../../../core/namespace-settings.ts'
import type { NodeFigures } from '../../../core/node-figures.ts'
import type { Namespace, Node, Pod } from '../../../core/pod.ts'
import { reservationMs } from '../ledger/reconnect-reservations.ts'
import { type PodIdentity, RefusedError } from '../model/refusal.ts'
import type { AgentStream, Directions, Stream } from '../model/stream.ts'
import { foldNode, type NodeFold } from '../pods/node-facts.ts'
import { StartedIndex } from '../started/started-index.ts'
import { loadLearned } from './auto-memory.ts'
import { Leadership } from './leadership.ts'
import { ParkedRequests } from './parked-requests.ts'
import type { ServiceDeps } from './replica-deps.ts'
import { showFacts } from './show-facts.ts'
import type { FactEvent } from './term-events.ts'
import { NO_VIEW, type TermView } from './term-view.ts'
import { requireOnNode, unseenPod } from './unseen-pod.ts'

type TheLeader = Extract<Directions, { kind: 'leader' }>

/** A replica of the lease service: serves gates while it leads, shows them the way while it does not. */
export class Replica {
  readonly #deps: ServiceDeps
  /** Folded by every replica from what it sees, so that a new leader knows the last good values too. */
  readonly #namespaces = new Map<string, { namespace: Namespace; fold: NamespaceFold }>()
  readonly #nodes = new Map<string, NodeFold>()
  readonly #started = new StartedIndex()
  readonly #parked: ParkedRequests
  readonly #begunMs: number
  #leadership: Leadership | undefined
  /** One that is being shown what there is, and is told of every change meanwhile. */
  #incoming: Leadership | undefined
  /** Told apart by number: a start that took long must not come back after a stop, or beside a later start. */
  #generation = 0

  constructor(deps: ServiceDeps) {
    this.#deps = deps
    this.#begunMs = deps.clock.monotonicMs()
    this.#parked = new ParkedRequests(() => this.#isSettled(), deps)
  }

  get isLeading(): boolean {
    return this.#leadership !== undefined
  }

  /**
   * Begins to grant in `term`: reads every stored grant by a quorum read first, so that what a former leader gave out
   * and no pod shows yet is counted. Call it only after the watches have synced. Afterwards `isLeading` tells whether
   * the term was still ours; rejects when the API server does not answer.
   */
  async startLeading(term: number): Promise<void> {
    this.stopLeading()
    const generation = this.#generation
    const isCurrent = () => generation === this.#generation
    const autoStore = this.#deps.newAutoStore?.()
    const learned = autoStore && (await loadLearned(autoStore, this.#deps))
    // Whoever leads meanwhile may have written Leases of its own, which are not to be taken for ours.
    if (!isCurrent() || !this.#deps.election.isLeader()) return
    const leadership = new Leadership({
      ...this.#deps,
      ...(autoStore && { autoStore }),
      ...(learned && { learned }),
      started: this.#started,
      term,
      // A leadership that was stopped may still be writing when this replica is elected again: it must neither confirm
      // the new term as its own nor report it lost.
      confirmTerm: async () => isCurrent() && (await this.#deps.confirmTerm()) && isCurrent(),
      onTermLost: reason => void (isCurrent() && this.#deps.onTermLost(reason)),
    })
    const isOurs = await leadership.adoptStored()
    if (!isOurs || !isCurrent() || !this.#deps.election.isLeader()) return
    this.#incoming = leadership
    const { facts } = this.#deps
    const nodes = Iterator.from(facts.nodes()).map(node => ({ node, fold: this.#foldNode(node) }))
    const known = { nodes, namespaces: this.#namespaces.values(), pods: facts.pods() }
    await showFacts({ show: event => leadership.show(event), timers: this.#deps.timers }, known, isCurrent)
    if (!isCurrent() || !this.#deps.election.isLeader()) return
    this.#incoming = undefined
    this.#leadership = leadership
    leadership.start(reservationMs(this.#deps.clock.monotonicMs() - this.#begunMs))
    this.#parked.look()
  }

  stopLeading(): void {
    this.#generation++
    const message = this.directions() ?? { kind: 'retry', afterMs: 250, reason: 'the leader is changing' }
    for (const leadership of [this.#leadership, this.#incoming]) leadership?.stop(message)
    this.#leadership = undefined
    this.#incoming = undefined
  }

  /** To whoever leads here, or is about to. */
  #show(event: FactEvent): void {
    const told = this.#leadership ?? this.#incoming
    told?.show(event)
  }

  /** `kept`: what the watch keeps of it. */
  podChanged(pod: Pod, kept: Pod = pod): void {
    this.#show({ kind: 'pod-shown', pod, kept })
    this.podKept(kept)
  }

  /** The watch keeps less of a pod than before. */
  podKept(pod: Pod): void {
    this.#started.set(pod.metadata.uid ?? '', pod)
  }

  /** The watch no longer shows the pod: deleted, or its label was taken off. The API server decides which. */
  podUnseen(pod: Pod): void {
    this.#started.delete(pod.metadata.uid ?? '')
    this.#show({ kind: 'pod-unseen', pod })
  }

  nodeChanged(node: Node): void {
    this.#show({ kind: 'node-shown', node, fold: this.#foldNode(node) })
  }

  nodeGone(name: string): void {
    this.#nodes.delete(name)
    this.#show({ kind: 'node-gone', name })
  }

  #foldNode(node: Node): NodeFold {
    const name = node.metadata.name ?? ''
    const fold = foldNode(this.#nodes.get(name)?.settings, node)
    this.#nodes.set(name, fold)
    return fold
  }

  namespaceChanged(namespace: Namespace): void {
    const name = namespace.metadata.name ?? ''
    const fold = foldNamespace(this.#namespaces.get(name)?.fold, namespace)
    this.#namespaces.set(name, { namespace, fold })
    this.#show({ kind: 'namespace-shown', namespace, fold })
  }

  namespaceGone(name: string): void {
    this.#namespaces.delete(name)
    this.#show({ kind: 'namespace-gone', name })
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name)
  }

  /** A workload that somebody comes after has changed. */
  workloadChanged(): void {
    this.#show({ kind: 'workload-changed' })
  }

  /** What the leader knows; nothing where this replica does not lead. */
  get view(): TermView {
    return this.#leadership?.view ?? NO_VIEW
  }

  /** Takes in a gate; returns what to do when it hangs up. Throws RefusedError. */
  async connect(identity: PodIdentity, gate: GateName, request: GateRequest, stream: Stream): Promise<() => void> {
    await this.#parked.untilSettled()
    const way = await this.#wayOf(identity)
    // Who has hung up meanwhile may be back, and must not lose its place to what it gave up.
    if (!stream.isOpen()) return () => undefined
    if ('leadership' in way) return way.leadership.connect(way.pod, gate, request, stream)
    stream.end(way)
    return () => undefined
  }

  /**
   * Takes in the agent of a sequenced pod, and what it knows; returns what to do when it hangs up. Throws RefusedError.
   */
  async connectAgent(identity: PodIdentity, request: AgentRequest, stream: AgentStream): Promise<() => void> {
    await this.#parked.untilSettled()
    const way = await this.#wayOf(identity)
    if (!stream.isOpen()) return () => undefined
    if ('leadership' in way) return way.leadership.connectAgent(way.pod, request, stream)
    stream.end(way)
    return () => undefined
  }

  /**
   * Takes in what an agent has to add. Throws RefusedError, also when another replica leads: the agent's stream tells
   * which.
   */
  async report(identity: PodIdentity, request: ReportsRequest): Promise<void> {
    const { leadership, pod } = await this.#served(identity)
    leadership.report(pod, request)
  }

  /** Takes in what a gate tells of its node. Throws RefusedError. */
  async takePressure(identity: PodIdentity, { pressure, busy }: PressureRequest): Promise<void> {
    const { leadership, pod } = await this.#served(identity)
    leadership.takePressure(pod, { pressure, ...(busy !== undefined && { busy }) })
  }

  /** Takes in what a node's waiter tells of it; nothing where this replica does not lead. */
  takeFigures(nodeName: string, figures: NodeFigures): void {
    this.#leadership?.takeFigures(nodeName, figures)
  }

  /** For what only the leader can take in. Throws RefusedError. */
  async #served(identity: PodIdentity): Promise<{ leadership: Leadership; pod: Pod }> {
    const way = await this.#wayOf(identity)
    if ('leadership' in way) return way
    throw new RefusedError(503, 'NOT_LEADER', `this replica does not lead, ${way.address} does: report there`)
  }

  /** Whether a gate can be served here or told where to go, or it makes no difference to wait for that. */
  #isSettled(): boolean {
    const { election } = this.#deps
    return election.isLeader() ? this.isLeading : !election.isChanging()
  }

  /** Where a pod's request goes on: here, or what to tell it. Throws RefusedError. */
  async #wayOf(identity: PodIdentity): Promise<{ leadership: Leadership; pod: Pod } | TheLeader> {
    const leadership = this.#leadership
    if (!leadership || !this.#deps.election.isLeader()) {
      const way = this.directions()
      if (way) return way
      throw new RefusedError(503, 'NO_LEADER', 'no replica leads at the moment: try again')
    }
    const pod = leadership.pod(identity.podUid)
    // What the watch shows may be from before the pod had a node, which the waiter's word is judged by.
    if (pod && (identity.vouchedOn === undefined || pod.spec.nodeName)) {
      requireOnNode(pod, identity)
      return { leadership, pod }
    }
    const unseen = await unseenPod(identity, this.#deps.getPod)
    requireOnNode(unseen, identity)
    // It may have ended meanwhile, and another begun.
    if (this.#leadership !== leadership) return this.#wayOf(identity)
    leadership.show({ kind: 'pod-found', pod: unseen })
    return { leadership, pod: leadership.pod(identity.podUid) ?? unseen }
  }

  /** The leader, where that is another replica; undefined while none is known. */
  directions(): TheLeader | undefined {
    const leader = this.#deps.election.leader()
    if (!leader || this.#deps.election.isLeader()) return undefined
    return { kind: 'leader', address: leader.address, term: leader.term }
  }
}
