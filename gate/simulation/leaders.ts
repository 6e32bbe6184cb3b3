import { ELECTION_TIMES } from '../../core/kube/election-times.ts'
import type { Node } from '../../core/pod.ts'
import type { FindWorkload } from '../lease-service/after/after-waits.ts'
import type { SimContext } from './context.ts'
import { namespaceObject, nodeObject } from './objects.ts'
import { SimReplica } from './replica.ts'
import type { LeaderFaults } from './service-deps.ts'

/** Test support. Who leads: one replica at a time, until something happens to it. */
export class SimLeaders {
  leader: SimReplica | undefined
  readonly #context: SimContext
  readonly #findWorkload: FindWorkload
  readonly #faults: LeaderFaults
  #term = 0
  /** Counts terms also where their numbers start over. */
  #reign = 0
  #skewMs = 0

  constructor(context: SimContext, findWorkload: FindWorkload, faults: LeaderFaults) {
    this.#context = context
    this.#findWorkload = findWorkload
    this.#faults = faults
  }

  get term(): number {
    return this.#term
  }

  takeOver(): void {
    const { time, random, leases, api, limits, pods } = this.#context
    if (leases.isDown) {
      time.after(leases.downUntilMs - time.nowMs + random.int(0, 2_000), () => this.takeOver())
      return
    }
    this.#term += 1
    this.#reign += 1
    const reign = this.#reign
    this.leader = new SimReplica({
      ...this.#context,
      findWorkload: this.#findWorkload,
      term: this.#term,
      podOf: uid => pods.get(uid),
      skewMs: () => this.#skewMs,
      isOurs: () => reign === this.#reign,
      faults: this.#faults,
    })
    this.leader.begin({
      nodes: [...limits.nodes.keys()].map(name => this.node(name)),
      namespaces: [...limits.namespaces].map(([name, settings]) => namespaceObject(name, settings)),
      pods: [...api.pods.values()],
    })
  }

  /** As the API server has it. */
  node(name: string): Node {
    return nodeObject(name, this.#context.limits, this.#context.imagesOn(name))
  }

  /** Killed alone, or with all others: then nobody leads for long. */
  crash(): void {
    const { time, random, situations } = this.#context
    const { gates, agents } = this.leader?.crash() ?? { gates: [], agents: [] }
    this.leader = undefined
    const isAll = random.chance(0.2)
    situations.note(isAll ? 'all leaders were gone' : 'a leader crashed')
    time.after(isAll ? random.int(20_000, 120_000) : random.int(500, 10_000), () => this.takeOver())
    for (const gate of gates) gate.lost('the leader is gone')
    for (const agent of agents) agent.streamLost()
  }

  /** The API server is down. Who cannot renew its lead for long gives it up. */
  pauseApi(): void {
    const { time, random, api } = this.#context
    const ms = random.int(1_000, 30_000)
    api.goDown(time.nowMs + ms)
    const { leader } = this
    const { renewDeadlineMs } = ELECTION_TIMES
    if (ms > renewDeadlineMs) time.after(renewDeadlineMs, () => leader && leader === this.leader && this.crash())
  }

  jumpClock(): void {
    this.#context.situations.note('a clock jumped')
    this.#skewMs = this.#context.random.pick([-3_600_000, -60_000, 60_000, 3_600_000])
  }

  /** Terms start over. */
  deleteElection(): void {
    const { leases, situations } = this.#context
    if (!this.leader || leases.isDown) return
    situations.note('the election Lease was deleted')
    this.crash()
    this.#term = 0
  }

  /** SIGSTOP at any moment, and SIGCONT when another one leads, or just before. */
  pauseLeader(): void {
    const { time, random, situations } = this.#context
    const { leader } = this
    if (!leader) return
    situations.note('a leader was paused')
    const { agents } = leader.pause()
    this.leader = undefined
    for (const agent of agents) time.after(random.int(10_000, 15_000), () => agent.streamLost())
    const tookOverMs = random.int(8_000, 17_000)
    time.after(tookOverMs, () => this.takeOver())
    // In half of the worlds so soon that gates still listen to it.
    time.after(tookOverMs + random.int(0, random.pick([3_000, 60_000])), () => {
      leader.wake()
      // It reads soon that another one leads.
      time.after(random.int(100, 3_000), () => leader.crash())
    })
  }
}
