import { Estimate } from './estimate.ts'
import type { Grant, Release, ReleaseReason, SlotTimeout, Ticket } from './model.ts'
import { type holdersOf, nothingSeen, type PhaseFacts, releaseReasonOf, type Seen } from './phase.ts'
import { ticketKey } from './ticket.ts'
import type { Usage } from './usage.ts'

interface Hold {
  grant: Grant
  seen: Seen
  changesAtMs: number
  /** Facts have changed since it was looked at. */
  isStale: boolean
  /** Set from outside; it goes at the next `settle`. */
  ending: ReleaseReason | undefined
  isAdopted: boolean
  /** Adopted, and its gate has not asked since: perhaps it never was more than a write of unknown outcome. */
  isUnconfirmed: boolean
}

export type HoldFacts = Pick<PhaseFacts, 'pod' | 'nodeLost' | 'readiness' | 'reports'>

export interface Settled {
  ended: { release: Release; gateEnded: boolean }[]
  /** One a container, when its own time is up. */
  timeouts: SlotTimeout[]
}

/** The grants that hold slots, and what has been seen of each. Times are monotonic ms. */
export class Holdings {
  readonly estimate = new Estimate()
  readonly #holdersOf: typeof holdersOf
  readonly #usage: Usage
  readonly #times: Pick<PhaseFacts, 'settleMs' | 'maxStartTimeoutMs'>
  readonly #byKey = new Map<string, Hold>()
  readonly #byPod = new Map<string, Set<Hold>>()
  readonly #pulling = new Map<string, number>()

  constructor(deps: { holdersOf: typeof holdersOf; usage: Usage; settleMs: number; maxStartTimeoutMs: number }) {
    this.#holdersOf = deps.holdersOf
    this.#usage = deps.usage
    this.#times = { settleMs: deps.settleMs, maxStartTimeoutMs: deps.maxStartTimeoutMs }
  }

  get(key: string): Grant | undefined {
    return this.#byKey.get(key)?.grant
  }

  hasPod(podUid: string): boolean {
    return this.#byPod.has(podUid)
  }

  /** Whether a later run's first gate got the slots that a stage asks for, and none of them was taken back meanwhile. */
  covers({ podUid, attempt, gate, containers }: Ticket): boolean {
    const whole = this.#byKey.get(ticketKey('start', podUid, attempt))
    if (!whole || whole.grant.gate === gate) return false
    const { grant, seen } = whole
    return containers.every(name => grant.containers.includes(name) && (seen.ended.get(name) ?? 'Ready') === 'Ready')
  }

  /** Containers of a pod that hold a start slot now. */
  holding(podUid: string): Set<string> {
    const holds = [...(this.#byPod.get(podUid) ?? [])].filter(({ grant }) => grant.resource === 'start')
    return new Set(holds.flatMap(({ grant, seen }) => grant.containers.filter(name => !seen.ended.has(name))))
  }

  /** Whether a pod that holds a pull slot pulls this image to this node. */
  isPulling(nodeName: string, image: string): boolean {
    return (this.#pulling.get(`${nodeName} ${image}`) ?? 0) > 0
  }

  /** Counts a grant from now on. An adopted one is looked at by the next `settle`: its pod may be far on. */
  add(grant: Grant, nowMs: number, isAdopted: boolean): void {
    const seen = nothingSeen(nowMs)
    const hold = {
      grant,
      seen,
      changesAtMs: nowMs + grant.timeoutMs,
      isStale: isAdopted,
      ending: undefined,
      isAdopted,
      isUnconfirmed: isAdopted,
    }
    this.#byKey.set(grant.key, hold)
    this.#byPod.set(grant.podUid, (this.#byPod.get(grant.podUid) ?? new Set()).add(hold))
    this.#usage.hold(grant, grant.slots)
    this.#countPulls(grant, 1)
  }

  isUnconfirmed(key: string): boolean {
    return this.#byKey.get(key)?.isUnconfirmed ?? false
  }

  /** The grant is to be answered by this process, too. */
  confirm(key: string): void {
    const hold = this.#byKey.get(key)
    if (hold) hold.isUnconfirmed = false
  }

  /** Takes a grant out without a release. */
  remove(key: string): void {
    const hold = this.#byKey.get(key)
    if (hold) this.#remove(hold)
  }

  /** The pod's facts have changed. */
  touch(podUid: string): void {
    for (const hold of this.#byPod.get(podUid) ?? []) hold.isStale = true
  }

  /** Ends the pod's grants from attempts before `attempt` at the next `settle`. */
  end(podUid: string, reason: ReleaseReason, attempt = Number.POSITIVE_INFINITY): void {
    for (const hold of this.#byPod.get(podUid) ?? []) if (hold.grant.attempt < attempt) hold.ending ??= reason
  }

  /** Looks again at what has changed or is due, frees what is past starting, and returns what ended. */
  settle(nowMs: number, factsOf: (grant: Grant) => HoldFacts): Settled {
    const settled: Settled = { ended: [], timeouts: [] }
    for (const hold of this.#byKey.values()) {
      if (!hold.ending && !hold.isStale && hold.changesAtMs > nowMs) continue
      const before = hold.seen.ended
      const reason = hold.ending ?? this.#look(hold, nowMs, factsOf(hold.grant))
      for (const [container, why] of hold.seen.ended)
        if (why === 'TimedOut' && !before.has(container)) settled.timeouts.push({ grant: hold.grant, container })
      if (!reason) continue
      this.#remove(hold)
      if (!hold.isAdopted) this.estimate.add(hold.grant.resource, nowMs - hold.seen.grantedAtMs)
      settled.ended.push({ release: { grant: hold.grant, reason }, gateEnded: hold.seen.gateEnded })
    }
    return settled
  }

  wakeAtMs(): number | undefined {
    let wakeAtMs: number | undefined
    for (const { changesAtMs } of this.#byKey.values()) wakeAtMs = Math.min(wakeAtMs ?? changesAtMs, changesAtMs)
    return wakeAtMs
  }

  /** Folds the facts of now into a hold; the reason of its release when nothing holds any more. */
  #look(hold: Hold, nowMs: number, facts: HoldFacts): ReleaseReason | undefined {
    const holding = this.#holdersOf(hold.grant, { ...facts, ...this.#times, seen: hold.seen }, nowMs)
    hold.seen = holding.seen
    hold.isStale = false
    hold.changesAtMs = holding.changesAtMs ?? nowMs
    this.#usage.hold(hold.grant, holding.holders.length)
    return holding.holders.length === 0 ? releaseReasonOf(hold.seen) : undefined
  }

  #countPulls({ nodeName, images }: Grant, change: number): void {
    for (const image of images) {
      const key = `${nodeName} ${image}`
      const count = (this.#pulling.get(key) ?? 0) + change
      if (count > 0) this.#pulling.set(key, count)
      else this.#pulling.delete(key)
    }
  }

  #remove(hold: Hold): void {
    const { key, podUid } = hold.grant
    if (!this.#byKey.delete(key)) return
    this.#countPulls(hold.grant, -1)
    const ofPod = this.#byPod.get(podUid)
    ofPod?.delete(hold)
    if (ofPod?.size === 0) this.#byPod.delete(podUid)
    this.#usage.hold(hold.grant, 0)
  }
}
