import type { NamespaceSettings } from '../../core/annotations.ts'
import type { SimContext } from './context.ts'
import type { SimLeaders } from './leaders.ts'
import { namespaceObject } from './objects.ts'
import type { SimPod } from './pod.ts'
import { POOLS, randomNamespace } from './random-cluster.ts'

/** Test support. What may go wrong in a world, or be changed by people. */
export const ACTS = [
  ...(['kill-sandbox', 'delete-pod', 'crash-leader', 'change-limits', 'break-stream', 'crash-agent'] as const),
  ...(['pause-leader', 'pause-api', 'break-watch', 'delete-election', 'jump-clock', 'reboot-node'] as const),
  ...(['change-node', 'delete-many', 'lose-node', 'show-node', 'move-node'] as const),
] as const
export type Act = (typeof ACTS)[number]

/** Test support. Does them. */
export class Chaos {
  readonly #context: SimContext
  readonly #leaders: SimLeaders

  constructor(context: SimContext, leaders: SimLeaders) {
    this.#context = context
    this.#leaders = leaders
  }

  /** By name, with how likely a world has it at all. */
  #acts(): Record<Act, [number, () => void]> {
    const { random, api, time, limits } = this.#context
    const leaders = this.#leaders
    const someNode = (): string => random.pick([...limits.nodes.keys()])
    const someNamespace = (): string => random.pick([...limits.namespaces.keys()])
    return {
      'kill-sandbox': [0.7, () => this.#somePod(pod => pod.sandbox > 0 && this.#killSandbox(pod))],
      'delete-pod': [0.5, () => this.#somePod(pod => this.#delete(pod))],
      'crash-leader': [0.5, () => leaders.leader && leaders.crash()],
      'change-limits': [0.7, () => this.#changeLimits(someNamespace(), randomNamespace(random))],
      'break-stream': [0.5, () => this.#somePod(pod => this.#breakStream(pod))],
      'crash-agent': [0.5, () => this.#somePod(pod => this.#crashAgent(pod))],
      'pause-leader': [0.3, () => leaders.leader && leaders.pauseLeader()],
      'pause-api': [0.3, () => leaders.pauseApi()],
      'break-watch': [0.3, () => api.breakWatch(time.nowMs + random.int(500, 30_000))],
      'delete-election': [0.1, () => leaders.deleteElection()],
      'jump-clock': [0.2, () => leaders.jumpClock()],
      'reboot-node': [0.2, () => this.#rebootNode()],
      'change-node': [0.3, () => this.#changeNode(someNode(), random.int(0, 4))],
      'delete-many': [0.1, () => this.#deleteMany()],
      'lose-node': [0.3, () => this.#loseNode()],
      'move-node': [0.2, () => this.#moveNode(someNode())],
      'show-node': [0.7, () => this.#showNode(someNode())],
    }
  }

  /** Until `untilMs`, but for the acts `without`. */
  plan(untilMs: number, without: ReadonlySet<Act>): void {
    const { random, time } = this.#context
    const acts = this.#acts()
    for (const name of ACTS) {
      const [probability, act] = acts[name]
      if (!random.chance(probability)) continue
      for (let times = random.int(1, 8); times > 0; times--)
        time.after(random.int(1_000, untilMs), () => void (without.has(name) || act()))
    }
  }

  /** No limit keeps anybody back for ever. */
  calm(): void {
    const { nodes, namespaces } = this.#context.limits
    for (const [name, { annotation }] of nodes) if (annotation === 0) this.#changeNode(name, 2)
    for (const namespace of namespaces.keys()) this.#changeLimits(namespace, { maxStarting: 2 })
  }

  #somePod(act: (pod: SimPod) => void): void {
    const { pods, random } = this.#context
    const living = [...pods.values()].filter(pod => !pod.isOver)
    if (living.length > 0) act(random.pick(living))
  }

  #killSandbox(pod: SimPod): void {
    this.#context.situations.note('a sandbox was killed')
    this.#hangUp(pod)
    pod.killSandbox()
  }

  #hangUp(pod: SimPod): void {
    const { leader } = this.#leaders
    for (const gate of pod.pendingGates) leader?.hangUp(gate)
    if (pod.agent) leader?.hangUpAgent(pod.agent)
  }

  #breakStream(pod: SimPod): void {
    this.#context.situations.note('a stream broke')
    const gates = pod.pendingGates
    this.#hangUp(pod)
    for (const gate of gates) gate.lost('the connection broke')
    pod.agent?.streamLost()
  }

  #crashAgent(pod: SimPod): void {
    const { leader } = this.#leaders
    if (!pod.agent?.isAlive) return
    this.#context.situations.note('an agent crashed')
    leader?.hangUpAgent(pod.agent)
    for (const gate of pod.agent.asking) leader?.hangUp(gate)
    pod.agent.crash()
  }

  /** All sandboxes of a node are made anew. */
  #rebootNode(): void {
    const { situations, random, limits, pods } = this.#context
    situations.note('a node rebooted')
    const node = random.pick([...limits.nodes.keys()])
    for (const pod of pods.values())
      if (pod.base.spec.nodeName === node && pod.sandbox > 0 && !pod.isOver) this.#killSandbox(pod)
  }

  #deleteMany(): void {
    const { situations, random, pods } = this.#context
    situations.note('many pods were deleted')
    for (const pod of pods.values()) if (!pod.isOver && random.chance(0.5)) this.#delete(pod)
  }

  #delete(pod: SimPod): void {
    const { situations, random, time, api } = this.#context
    situations.note('a pod was deleted')
    const gates = pod.pendingGates
    pod.isDeleted = true
    api.deleting(pod)
    for (const gate of gates) time.after(random.int(0, 2_000), () => this.#leaders.leader?.hangUp(gate))
    time.after(random.int(500, 5_000), () => {
      pod.isGone = true
      api.deleted(pod)
    })
  }

  #changeLimits(namespace: string, settings: NamespaceSettings): void {
    const { situations, limits, checker, time } = this.#context
    situations.note('limits changed')
    if (Object.values(settings).includes(0)) situations.note('a limit froze')
    limits.namespaces.set(namespace, settings)
    checker.rates.limitsChanged(namespace, time.nowMs)
    this.#leaders.leader?.namespaceChanged(namespaceObject(namespace, settings))
  }

  /** The annotation of a node, which beats the chart. */
  #changeNode(name: string, annotation: number): void {
    const node = this.#context.limits.nodes.get(name)
    if (!node) return
    node.annotation = annotation
    this.#context.situations.note('limits changed')
    this.#showNode(name)
  }

  /** Another label: another pool of the chart, or none. */
  #moveNode(name: string): void {
    const { situations, random, limits } = this.#context
    const node = limits.nodes.get(name)
    if (!node || limits.settings.nodePools.length === 0) return
    node.pool = random.pick([...POOLS, ''])
    situations.note('a node came into another pool')
    this.#showNode(name)
  }

  #loseNode(): void {
    const { random, limits, situations, checker, time } = this.#context
    const [name, node] = random.pick([...limits.nodes])
    if (node.isLost) return
    situations.note('a node was lost')
    node.isLost = true
    checker.nodeLost(name)
    this.#showNode(name)
    time.after(random.int(5_000, 60_000), () => {
      // What was answered meanwhile ran on a lost node.
      checker.nodeLost(name)
      node.isLost = false
      this.#showNode(name)
    })
  }

  #showNode(name: string): void {
    this.#leaders.leader?.nodeChanged(this.#leaders.node(name))
  }
}
