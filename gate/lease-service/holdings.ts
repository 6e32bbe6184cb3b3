import type { Pod } from '../../core/pod.ts'
import { Estimate } from './estimate.ts'
import type { Grant, Release, ReleaseReason } from './model.ts'
import { type holdersOf, nothingSeen, releaseReasonOf, type Seen } from './phase.ts'
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
}

export interface HoldFacts {
  pod: Pod | undefined
  nodeLost: boolean
}

/** The grants that hold slots, and what has been seen of each. Times are monotonic ms. */
export class Holdings {
  readonly estimate = new Estimate()
  readonly #holdersOf: typeof holdersOf
  readonly #usage: Usage
  readonly #settleMs: number
  readonly #byKey = new Map<string, Hold>()
  readonly #byPod = new Map<string, Set<Hold>>()

  constructor(deps: { holdersOf: typeof holdersOf; usage: Usage; settleMs: number }) {
    this.#holdersOf = deps.holdersOf
    this.#usage = deps.usage
    this.#settleMs = deps.settleMs
  }

  get(key: string): Grant | undefined {
    return this.#byKey.get(key)?.grant
  }

  /** Counts a grant from now on. An adopted one is looked at by the next `settle`: its pod may be far on. */
  add(grant: Grant, nowMs: number, isAdopted: boolean): void {
    const seen = nothingSeen(nowMs)
    const hold = { grant, seen, changesAtMs: nowMs + grant.timeoutMs, isStale: isAdopted, ending: undefined, isAdopted }
    this.#byKey.set(grant.key, hold)
    this.#byPod.set(grant.podUid, (this.#byPod.get(grant.podUid) ?? new Set()).add(hold))
    this.#usage.hold(grant, grant.slots)
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

  /** Looks again at what has changed or is due, frees what is past starting, and returns the grants that ended. */
  settle(nowMs: number, factsOf: (grant: Grant) => HoldFacts): { release: Release; gateEnded: boolean }[] {
    const releases: { release: Release; gateEnded: boolean }[] = []
    for (const hold of this.#byKey.values()) {
      if (!hold.ending && !hold.isStale && hold.changesAtMs > nowMs) continue
      const reason = hold.ending ?? this.#look(hold, nowMs, factsOf(hold.grant))
      if (!reason) continue
      this.#remove(hold)
      if (!hold.isAdopted) this.estimate.add(hold.grant.resource, nowMs - hold.seen.grantedAtMs)
      releases.push({ release: { grant: hold.grant, reason }, gateEnded: hold.seen.gateEnded })
    }
    return releases
  }

  wakeAtMs(): number | undefined {
    let wakeAtMs: number | undefined
    for (const { changesAtMs } of this.#byKey.values()) wakeAtMs = Math.min(wakeAtMs ?? changesAtMs, changesAtMs)
    return wakeAtMs
  }

  /** Folds the facts of now into a hold; the reason of its release when nothing holds any more. */
  #look(hold: Hold, nowMs: number, facts: HoldFacts): ReleaseReason | undefined {
    const holding = this.#holdersOf(hold.grant, { ...facts, seen: hold.seen, settleMs: this.#settleMs }, nowMs)
    hold.seen = holding.seen
    hold.isStale = false
    hold.changesAtMs = holding.changesAtMs ?? nowMs
    this.#usage.hold(hold.grant, holding.holders.length)
    return holding.holders.length === 0 ? releaseReasonOf(hold.seen) : undefined
  }

  #remove(hold: Hold): void {
    const { key, podUid } = hold.grant
    this.#byKey.delete(key)
    const ofPod = this.#byPod.get(podUid)
    ofPod?.delete(hold)
    if (ofPod?.size === 0) this.#byPod.delete(podUid)
    this.#usage.hold(hold.grant, 0)
  }
}
