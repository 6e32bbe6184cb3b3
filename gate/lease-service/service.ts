import type { GateMessage, GateRequest } from '../../core/lease-api.ts'
import { GATED_LABEL, type GateName } from '../../core/names.ts'
import type { Namespace, Node, Pod } from '../../core/pod.ts'
import { type PodIdentity, RefusedError } from './identity.ts'
import { Leadership, type LeadershipDeps } from './leadership.ts'
import type { Stream } from './streams.ts'

export interface LeaderView {
  isLeader: () => boolean
  /** The leader as far as this replica knows; itself included. */
  leader: () => { address: string; term: number } | undefined
}

export interface ServiceDeps extends Omit<LeadershipDeps, 'term'> {
  election: LeaderView
  facts: { pods: () => Pod[]; nodes: () => Node[]; namespaces: () => Namespace[] }
}

/** A replica of the lease service: serves gates while it leads, shows them the way while it does not. */
export class LeaseService {
  readonly #deps: ServiceDeps
  #leadership: Leadership | undefined

  constructor(deps: ServiceDeps) {
    this.#deps = deps
  }

  /**
   * Begins to grant in `term`: reads every stored grant by a quorum read first, so that what a former leader gave out
   * and no pod shows yet is counted. Call it only after the watches have synced.
   */
  async startLeading(term: number): Promise<void> {
    const leadership = new Leadership({ ...this.#deps, term })
    await leadership.adoptStored()
    // The term may have ended during the read.
    if (!this.#deps.election.isLeader()) return
    // From here on without a pause, so that no change of the watches falls between these lists and what follows them.
    const { facts } = this.#deps
    for (const node of facts.nodes()) leadership.nodeChanged(node)
    for (const namespace of facts.namespaces()) leadership.namespaceChanged(namespace)
    for (const pod of facts.pods()) leadership.podChanged(pod)
    this.#leadership = leadership
    leadership.start()
  }

  stopLeading(): void {
    const message = this.#directions()
    this.#leadership?.stop(() => message ?? { kind: 'retry', afterMs: 250, reason: 'the leader is changing' })
    this.#leadership = undefined
  }

  podChanged(pod: Pod): void {
    this.#leadership?.podChanged(pod)
  }

  /** The watch no longer shows the pod: deleted, or its label was taken off. The API server decides which. */
  podUnseen(pod: Pod): void {
    this.#leadership?.podUnseen(pod)
  }

  nodeChanged(node: Node): void {
    this.#leadership?.nodeChanged(node)
  }

  nodeGone(name: string): void {
    this.#leadership?.nodeGone(name)
  }

  namespaceChanged(namespace: Namespace): void {
    this.#leadership?.namespaceChanged(namespace)
  }

  namespaceGone(name: string): void {
    this.#leadership?.namespaceGone(name)
  }

  usage(): ReturnType<Leadership['usage']> {
    return this.#leadership?.usage() ?? []
  }

  streamCount(): number {
    return this.#leadership?.streamCount() ?? 0
  }

  /** Takes in a gate; returns what to do when it hangs up. Throws RefusedError. */
  async connect(identity: PodIdentity, gate: GateName, request: GateRequest, stream: Stream): Promise<() => void> {
    const nothing = (): void => undefined
    const leadership = this.#leadership
    if (!leadership || !this.#deps.election.isLeader()) {
      const way = this.#directions()
      if (!way) throw new RefusedError(503, 'NO_LEADER', 'no replica leads at the moment: try again')
      stream.end(way)
      return nothing
    }
    const pod = leadership.pod(identity.podUid)
    if (!pod) {
      await this.#explainUnseen(identity)
      stream.end({ kind: 'retry', afterMs: 300, reason: 'the lease service has not seen this pod yet' })
      return nothing
    }
    return leadership.connect(pod, gate, request.attempt, stream)
  }

  #directions(): GateMessage | undefined {
    const leader = this.#deps.election.leader()
    if (!leader || this.#deps.election.isLeader()) return undefined
    return { kind: 'leader', address: leader.address, term: leader.term }
  }

  /** A pod the watch does not show: throws RefusedError unless it is merely new. */
  async #explainUnseen({ namespace, podName, podUid }: PodIdentity): Promise<void> {
    const pod = await this.#deps.getPod(namespace, podName)
    if (pod?.metadata.uid !== podUid)
      throw new RefusedError(404, 'POD_GONE', `pod ${namespace}/${podName} with UID ${podUid} does not exist`)
    if (pod.metadata.labels?.[GATED_LABEL] !== 'true') {
      throw new RefusedError(
        403,
        'NOT_GATED',
        `pod ${namespace}/${podName} has no label ${GATED_LABEL}: "true", so it is not served`,
      )
    }
  }
}
