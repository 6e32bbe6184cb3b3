import type { Pod } from '../../core/pod.ts'
import type { SimLeases } from './leases.ts'
import type { SimPod } from './pod.ts'
import type { Situations } from './situations.ts'
import type { Random, Timeline } from './timeline.ts'

/** Who watches pods, as it is shown them. */
export interface PodWatcher {
  podChanged(pod: Pod): void
  podGone(uid: string): void
  /** A watch that was broken lists anew. */
  listed(pods: ReadonlyMap<string, Pod>): void
}

export interface SimApiDeps {
  time: Timeline
  random: Random
  situations: Situations
  leases: SimLeases
  leader: () => PodWatcher | undefined
}

/**
 * Test support. Pods as the API server has them, and the leader's watch on them: a status reaches the server after some
 * time and the watch after some more, in order, but maybe twice, or an old one again. The server may be down, and a
 * watch may break and list anew.
 */
export class SimApi {
  readonly pods = new Map<string, Pod>()
  readonly #deps: SimApiDeps
  /** How often the API server hears of a status some seconds late. */
  readonly #slowStatuses: number
  readonly #apiBusyUntilMs = new Map<string, number>()
  readonly #watchBusyUntilMs = new Map<string, number>()
  /** What happens when the server is back. */
  #held: (() => void)[] = []
  /** Whose watch is broken. */
  #blind: PodWatcher | undefined
  /** Events from before a list are of no use after it. */
  #lists = 0

  constructor(deps: SimApiDeps) {
    this.#deps = deps
    this.#slowStatuses = deps.random.pick([0, 0.05, 0.4])
  }

  publish(pod: SimPod): void {
    const { random, situations } = this.#deps
    const shown = pod.snapshot()
    const isSlow = random.chance(this.#slowStatuses)
    if (isSlow) situations.note('a status came late')
    this.#inOrder(this.#apiBusyUntilMs, pod.uid, isSlow ? random.int(0, 8_000) : random.int(5, 300), () => {
      if (pod.isGone) return
      const before = this.pods.get(pod.uid)
      this.pods.set(pod.uid, withDeletion(pod, shown))
      const again = before && random.chance(0.1) ? [before] : []
      if (again.length > 0) situations.note('an older status came again')
      for (const view of [...again, ...(random.chance(0.1) ? [shown] : []), shown]) this.#deliver(pod, view)
    })
  }

  /** Of the pods of the world each has a name of its own. */
  read(name: string): Pod | undefined {
    return this.pods.values().find(pod => pod.metadata.name === name)
  }

  /** It is being deleted from now on. */
  deleting(pod: SimPod): void {
    const shown = this.pods.get(pod.uid)
    if (!shown) return
    this.pods.set(pod.uid, withDeletion(pod, shown))
    this.#deliver(pod, shown)
  }

  deleted(pod: SimPod): void {
    this.pods.delete(pod.uid)
    this.#deliver(pod, undefined)
  }

  /** Nothing is read, written or told until `untilMs`. */
  goDown(untilMs: number): void {
    const { time, leases, situations } = this.#deps
    if (leases.isDown) return
    situations.note('the API server was down')
    leases.downUntilMs = untilMs
    time.after(untilMs - time.nowMs, () => {
      for (const act of this.#held.splice(0)) act()
    })
  }

  /** What happens meanwhile is seen in a list afterwards, or never. */
  breakWatch(untilMs: number): void {
    const { time, situations } = this.#deps
    const leader = this.#deps.leader()
    if (!leader || this.#blind === leader) return
    situations.note('a watch broke')
    this.#blind = leader
    time.after(untilMs - time.nowMs, () => this.#whenUp(() => this.#listAnew(leader)))
  }

  #listAnew(leader: PodWatcher): void {
    if (this.#blind !== leader) return
    this.#blind = undefined
    this.#lists += 1
    if (leader === this.#deps.leader()) leader.listed(this.pods)
  }

  #deliver(pod: SimPod, view: Pod | undefined): void {
    const leader = this.#deps.leader()
    const lists = this.#lists
    const lagMs = this.#deps.random.chance(0.03) ? 2_000 : this.#deps.random.int(1, 150)
    this.#inOrder(this.#watchBusyUntilMs, pod.uid, lagMs, () => {
      if (leader !== this.#deps.leader() || leader === this.#blind || lists !== this.#lists) return
      if (view && !pod.isGone) leader?.podChanged(withDeletion(pod, view))
      else leader?.podGone(pod.uid)
    })
  }

  #inOrder(busyUntilMs: Map<string, number>, key: string, delayMs: number, act: () => void): void {
    const { time } = this.#deps
    const atMs = Math.max(time.nowMs + delayMs, busyUntilMs.get(key) ?? 0)
    busyUntilMs.set(key, atMs)
    time.after(atMs - time.nowMs, () => this.#whenUp(act))
  }

  #whenUp(act: () => void): void {
    if (this.#deps.leases.isDown) this.#held.push(act)
    else act()
  }
}

function withDeletion(pod: SimPod, shown: Pod): Pod {
  if (!pod.isDeleted) return shown
  return { ...shown, metadata: { ...shown.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
}
