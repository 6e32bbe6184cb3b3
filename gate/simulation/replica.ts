import { ELECTION_TIMES } from '../../core/kube/election-times.ts'
import type { AgentReport } from '../../core/lease-api.ts'
import type { NodeFigures } from '../../core/node-figures.ts'
import type { Namespace, Node, Pod } from '../../core/pod.ts'
import type { AutoLimits } from '../lease-service/auto/auto-limit.ts'
import { Replica } from '../lease-service/leader/replica.ts'
import type { Ledger } from '../lease-service/ledger/ledger.ts'
import type { SimAgent } from './agent.ts'
import type { PodWatcher } from './api.ts'
import { identityOf, SimConnections } from './connections.ts'
import type { SimGate } from './gate.ts'
import { LedgerCheck } from './ledger-check.ts'
import type { SimPod } from './pod.ts'
import { SimProcess } from './process.ts'
import { type ReplicaDeps, serviceDepsOf } from './service-deps.ts'
import { SimWatch } from './watch.ts'

const PRUNE_MS = 60_000

/** Test support. One replica that is elected: the service that ships, in a simulated process, network and cluster. */
export class SimReplica implements PodWatcher {
  readonly #deps: ReplicaDeps
  readonly #process: SimProcess
  readonly #service: Replica
  readonly #watch: SimWatch
  readonly #connections: SimConnections
  /** As it believes. */
  #isLeader = true
  #hasListed = false
  #pausedMs = 0
  readonly #nodes = new Map<string, Node>()
  #check: LedgerCheck | undefined

  constructor(deps: ReplicaDeps) {
    this.#deps = deps
    const { time, random, situations, limits, skewMs, checker } = deps
    this.#process = new SimProcess(time, random)
    const wallMs = (): number => time.nowMs + skewMs()
    this.#service = new Replica(
      serviceDepsOf(deps, {
        ...{ process: this.#process, wallMs },
        isLeader: () => this.#isLeader,
        onTermLost: () => this.#termLost(),
        onListed: () => this.#listed(),
        watched: (ledger, autos) => this.#watched(ledger, autos),
        pods: () => this.#watch.kept.values(),
        nodes: () => this.#nodes.values(),
        kept: pod => this.#watch.read(pod),
      }),
    )
    const { maxStartTimeoutMs } = limits.settings
    const clock = { wallMs, monotonicMs: () => time.nowMs }
    this.#watch = new SimWatch(this.#service, { clock, maxStartTimeoutMs })
    this.#connections = new SimConnections({
      ...{ time, random, situations, process: this.#process, service: this.#service },
      onGranted: (key, pod) => {
        this.#check?.heard(key, pod)
        checker.answered(key, pod)
      },
    })
  }

  /** Takes over: all that there is has been listed. */
  begin(facts: { nodes: Node[]; namespaces: Namespace[]; pods: Iterable<Pod> }): void {
    for (const node of facts.nodes) this.#nodes.set(node.metadata.name ?? '', node)
    for (const namespace of facts.namespaces) this.#service.namespaceChanged(namespace)
    this.#watch.list(facts.pods)
    // By a clock that is off it takes starts for old that are not, and looks at them no more.
    for (const pod of facts.pods) this.#deps.podOf(pod.metadata.uid ?? '')?.showed(pod, this.#deps.skewMs() !== 0)
    this.#process.every(PRUNE_MS, () => this.#watch.shrink())
    this.#lead()
  }

  /** As main.ts does it. */
  #lead(): void {
    const process = this.#process
    process.do(() => {
      this.#service.startLeading(this.#deps.term).catch(() => void process.after(1_000, () => this.#lead()))
    })
  }

  #watched(ledger: Ledger, autos: AutoLimits | undefined): Ledger {
    const { checker, time } = this.#deps
    this.#hasListed = false
    checker.rates.tookOver(time.nowMs)
    checker.pressures.tookOver()
    checker.autos.tookOver(autos)
    const agentSinceMs = (podUid: string) => this.#connections.agentSinceMs(podUid)
    const isOurs = () => this.#isLeader && this.#deps.isOurs()
    this.#check = new LedgerCheck(ledger, { ...this.#deps, isOurs, agentSinceMs })
    return ledger
  }

  #termLost(): void {
    this.#deps.situations.note('a woken leader found its term lost')
    this.#isLeader = false
    this.#service.stopLeading()
  }

  #listed(): void {
    if (this.#hasListed) return
    this.#hasListed = true
    if (this.#deps.isOurs()) this.#deps.checker.tookOver(this.#deps.leases.api.leases)
  }

  podChanged(pod: Pod): void {
    this.#process.do(() => this.#watch.show(pod))
  }

  podGone(uid: string): void {
    this.#process.do(() => this.#watch.hide(uid))
  }

  /** A watch that was broken lists anew. */
  listed(pods: ReadonlyMap<string, Pod>): void {
    this.#process.do(() => this.#watch.listAnew(pods))
  }

  nodeChanged(node: Node): void {
    this.#nodes.set(node.metadata.name ?? '', node)
    this.#process.do(() => this.#service.nodeChanged(node))
  }

  namespaceChanged(namespace: Namespace): void {
    this.#process.do(() => this.#service.namespaceChanged(namespace))
  }

  workloadChanged(): void {
    this.#process.do(() => this.#service.workloadChanged())
  }

  connect(pod: SimPod, gate: SimGate): void {
    const { random, situations } = this.#deps
    if (random.chance(0.02)) {
      situations.note('a gate was told to come back')
      gate.hear({ kind: 'retry', afterMs: random.int(0, 8_000), reason: 'far back' }, gate.nonce)
      return
    }
    this.#connections.connect(pod, gate)
  }

  connectAgent(agent: SimAgent): void {
    this.#connections.connectAgent(agent)
  }

  /** Resolves when it is taken in. */
  report({ pod, attempt }: SimAgent, reports: AgentReport[]): Promise<void> {
    const request = { podUid: pod.uid, attempt, reports }
    return this.#process.call(0, () => this.#service.report(identityOf(pod), request))
  }

  /** A gate of the pod tells what is true on its node now. */
  tellPressure(pod: SimPod): void {
    const { limits, checker, time, situations } = this.#deps
    const { pressures } = checker
    const nodeName = pod.base.spec.nodeName ?? ''
    const node = limits.nodes.get(nodeName)
    if (!node || node.isLost) return
    const cpu = node.pressure
    this.#process.do(() => {
      this.#service.takePressure(identityOf(pod), { podUid: pod.uid, pressure: { cpu } }).then(
        () => {
          if (!this.#deps.isOurs()) return
          const wasHeldBack = pressures.isHeldBack(nodeName, time.nowMs)
          pressures.told(nodeName, cpu, time.nowMs)
          if (wasHeldBack && !pressures.isHeldBack(nodeName, time.nowMs)) situations.note('pressure fell')
        },
        () => undefined,
      )
    })
  }

  /** The waiter of a node tells. */
  takeFigures(nodeName: string, figures: NodeFigures): void {
    this.#process.do(() => this.#service.takeFigures(nodeName, figures))
  }

  hangUp(gate: SimGate): void {
    this.#connections.hangUp(gate)
  }

  hangUpAgent(agent: SimAgent): void {
    this.#connections.hangUpAgent(agent)
  }

  /** The process is gone. Returns who lost their connection. */
  crash(): { gates: SimGate[]; agents: SimAgent[] } {
    this.#process.kill()
    return this.#listeners()
  }

  /** SIGSTOP: nothing happens in it until `wake`, and its streams say nothing. */
  pause(): { gates: SimGate[]; agents: SimAgent[] } {
    this.#pausedMs = this.#deps.time.nowMs
    this.#process.pause()
    return this.#listeners()
  }

  /** By its own clock it leads no more, if it was paused for long: see leader-elector.ts. */
  wake(): void {
    if (this.#deps.time.nowMs - this.#pausedMs > ELECTION_TIMES.renewDeadlineMs) this.#isLeader = false
    this.#process.wake()
  }

  #listeners(): { gates: SimGate[]; agents: SimAgent[] } {
    const { gates, agents } = this.#connections
    return { gates: [...gates.keys()], agents: [...agents.keys()] }
  }

  get isLeading(): boolean {
    return this.#service.isLeading
  }

  usage(): ReturnType<Replica['view']['usage']> {
    return this.#service.view.usage()
  }
}
