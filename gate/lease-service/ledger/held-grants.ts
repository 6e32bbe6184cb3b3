import { earliest } from '../../../core/earliest.ts'
import type { Usage } from '../limits/slot-usage.ts'
import type { Grant, Release, ReleaseReason, SlotTimeout, Ticket } from '../model/grant.ts'
import { type holdersOf, nothingSeen, type PhaseFacts, releaseReasonOf, type Seen } from '../pods/slot-release.ts'
import { ticketKey } from '../pods/ticket-from-pod.ts'
import { Pulls } from './pulls.ts'
import { WaitEstimate } from './wait-estimate.ts'

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
  /** Others pull its images to its node, so it holds no slot. */
  isRiding: boolean
}

export interface HeldGrantsDeps {
  holdersOf: typeof holdersOf
  usage: Usage
  settleMs: number
  maxStartTimeoutMs: number
  /** Whether an image is known to be on a node. */
  isOnNode: (nodeName: string, image: string) => boolean
}

export type HoldFacts = Pick<PhaseFacts, 'pod' | 'nodeLost' | 'readiness' | 'reports'>

export interface Settled {
  ended: { release: Release; gateEnded: boolean }[]
  /** Of pods with a container that has given its slot back: what it starts from now on has none. */
  freed: Set<string>
  /** One a container, when its own time is up. */
  timeouts: SlotTimeout[]
  /** Grants that could not be judged: each is held until its timeout. */
  troubles: { grant: Grant; error: unknown }[]
}

/** The grants that hold slots, and what has been seen of each. Times are monotonic ms. */
export class HeldGrants {
  readonly estimate = new WaitEstimate()
  readonly #holdersOf: typeof holdersOf
  readonly #usage: Usage
  readonly #times: Pick<PhaseFacts, 'settleMs' | 'maxStartTimeoutMs'>
  readonly #byKey = new Map<string, Hold>()
  readonly #byPod = new Map<string, Set<Hold>>()
  readonly #pulls: Pulls<Hold>

  constructor(deps: HeldGrantsDeps) {
    this.#pulls = new Pulls(deps.isOnNode)
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

  /**
   * Whether a later run's first gate got the slots that a stage asks for, and none of them was taken back meanwhile.
   */
  covers({ podUid, attempt, gate, containers }: Ticket): boolean {
    // Of most who wait nothing is held, and there are many.
    if (!this.#byPod.has(podUid)) return false
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

  /** Start slots whose containers were seen running, by node. */
  runningByNode(): Map<string, number> {
    const running = new Map<string, number>()
    for (const { grant, seen } of this.#byKey.values()) {
      if (grant.resource !== 'start') continue
      const here = grant.containers.filter(name => seen.runs.has(name) && !seen.ended.has(name)).length
      running.set(grant.nodeName, (running.get(grant.nodeName) ?? 0) + here)
    }
    return running
  }

  /** Whether a pod that holds a pull slot pulls this image to this node. */
  isPulling(nodeName: string, image: string): boolean {
    return this.#pulls.isCarried(nodeName, image)
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
      isRiding: grant.isRider ?? false,
    }
    this.#byKey.set(grant.key, hold)
    this.#byPod.set(grant.podUid, (this.#byPod.get(grant.podUid) ?? new Set()).add(hold))
    this.#usage.hold(grant, grant.slots)
    this.#pulls.add(hold)
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
    const settled: Settled = { ended: [], freed: new Set(), timeouts: [], troubles: [] }
    for (const hold of this.#byKey.values()) {
      if (!hold.ending && !hold.isStale && hold.changesAtMs > nowMs) continue
      const before = hold.seen.ended
      const reason = hold.ending ?? this.#tryToLook(hold, { nowMs, factsOf, settled })
      noteFreed(hold, before, settled)
      if (!reason) continue
      settled.freed.add(hold.grant.podUid)
      this.#remove(hold)
      if (!hold.isAdopted) this.estimate.add(hold.grant.resource, nowMs - hold.seen.grantedAtMs)
      const { grant, seen } = hold
      settled.ended.push({ release: { grant, reason, late: lateOf(hold, reason) }, gateEnded: seen.gateEnded })
    }
    this.settlePulls()
    return settled
  }

  /** Whose pull goes on without the one that held the slot for it, holds one from now on. */
  settlePulls(): void {
    for (const { grant } of this.#pulls.left()) this.#usage.hold(grant, 1)
  }

  wakeAtMs(): number | undefined {
    let wakeAtMs: number | undefined
    for (const { changesAtMs } of this.#byKey.values()) wakeAtMs = earliest(wakeAtMs, changesAtMs)
    return wakeAtMs
  }

  /** A grant whose pod cannot be judged must end all the same, and no other one with it. */
  #tryToLook(
    hold: Hold,
    { nowMs, factsOf, settled }: { nowMs: number; factsOf: (grant: Grant) => HoldFacts; settled: Settled },
  ): ReleaseReason | undefined {
    try {
      return this.#look(hold, nowMs, factsOf(hold.grant))
    } catch (error) {
      const { grant, seen } = hold
      settled.troubles.push({ grant, error })
      hold.isStale = false
      hold.changesAtMs = seen.grantedAtMs + grant.timeoutMs
      return hold.changesAtMs <= nowMs ? 'TimedOut' : undefined
    }
  }

  /** Folds the facts of now into a hold; the reason of its release when nothing holds any more. */
  #look(hold: Hold, nowMs: number, facts: HoldFacts): ReleaseReason | undefined {
    const holding = this.#holdersOf(hold.grant, { ...facts, ...this.#times, seen: hold.seen }, nowMs)
    hold.seen = holding.seen
    hold.isStale = false
    hold.changesAtMs = holding.changesAtMs ?? nowMs
    this.#usage.hold(hold.grant, hold.isRiding ? 0 : holding.holders.length)
    return holding.holders.length === 0 ? releaseReasonOf(hold.seen) : undefined
  }

  #remove(hold: Hold): void {
    const { key, podUid } = hold.grant
    if (!this.#byKey.delete(key)) return
    this.#pulls.remove(hold)
    const ofPod = this.#byPod.get(podUid)
    ofPod?.delete(hold)
    if (ofPod?.size === 0) this.#byPod.delete(podUid)
    this.#usage.hold(hold.grant, 0)
  }
}

/** Of a grant that could not be judged, those that had not ended before. */
function lateOf({ grant, seen }: Hold, reason: ReleaseReason): string[] {
  return grant.containers.filter(container => (seen.ended.get(container) ?? reason) === 'TimedOut')
}

function noteFreed({ grant, seen }: Hold, before: Seen['ended'], { freed, timeouts }: Settled): void {
  if (seen.ended.size > before.size) freed.add(grant.podUid)
  for (const [container, why] of seen.ended)
    if (why === 'TimedOut' && !before.has(container)) timeouts.push({ grant, container })
}
