import type { Grant } from '../lease-service/model/grant.ts'
import type { SimPod } from './pod.ts'
import type { LimitTruth } from './truth.ts'

/** One grant, and what became of it. */
export interface Claim {
  grant: Grant
  pod: SimPod
  decidedAtMs: number
  /** The sandbox whose gate got the answer; undefined until one did. */
  answeredIn: number | undefined
  /** It ran on a node that was lost: the design counts it no more. */
  isExempt: boolean
  /** Granted without asking for room: debt. */
  isObserved: boolean
  /** Left by a leader that had not decided on it in the end, or led no more. */
  isUndecided: boolean
  /** The leader holds it no more. */
  isReleased?: true
}

/** Test support. All grants that may hold slots: from a leader's decision until nothing can run under it any more. */
export class Claims {
  readonly #limits: LimitTruth
  readonly #claims = new Map<string, Claim>()
  /** By key: the sandbox whose gate was told, also without a slot. */
  readonly #toldIn = new Map<string, number>()
  /** Keys whose grant ended with its node, before anybody was told. */
  readonly #lost = new Set<string>()
  /** By pod, gate and run. */
  readonly #failedOpenIn = new Map<string, number>()

  constructor(limits: LimitTruth) {
    this.#limits = limits
  }

  get(key: string): Claim | undefined {
    return this.#claims.get(key)
  }

  has(key: string): boolean {
    return this.#claims.has(key)
  }

  keys(): string[] {
    return [...this.#claims.keys()]
  }

  all(): Claim[] {
    return [...this.#claims.values()]
  }

  /** Decided on, and perhaps not answered yet. */
  isPending(pod: SimPod, gate: string): boolean {
    return this.all().some(claim => claim.pod === pod && claim.grant.gate === gate)
  }

  /** A leader decided on it. `isObserved`: without asking for room. */
  decided(grant: Grant, pod: SimPod, { nowMs, isObserved }: { nowMs: number; isObserved: boolean }): void {
    const answeredIn = this.#wentIn(grant)
    const isNew = { isExempt: false, isUndecided: false }
    this.#claims.set(grant.key, { grant, pod, decidedAtMs: nowMs, answeredIn, isObserved, ...isNew })
  }

  /** One that a leader wrote which led no more: it holds slots, though nobody decided on it in its term. */
  adopted(grant: Grant, pod: SimPod, nowMs: number): void {
    // One that was decided on anew and never stored is not what the next leader finds.
    if (this.#claims.get(grant.key)?.isObserved === (grant.isObserved ?? false)) return
    this.#claims.set(grant.key, {
      grant,
      pod,
      decidedAtMs: nowMs,
      answeredIn: this.#wentIn(grant) ?? this.#toldIn.get(grant.key),
      isExempt: this.#limits.nodes.get(grant.nodeName)?.isLost ?? false,
      isObserved: grant.isObserved ?? false,
      isUndecided: true,
    })
  }

  answered(key: string, pod: SimPod): void {
    this.#toldIn.set(key, pod.sandbox)
    const claim = this.#claims.get(key)
    if (claim) claim.answeredIn = pod.sandbox
  }

  /**
   * The gate went without an answer: what was granted to it counts by what its containers do. An answer that it had in
   * an earlier sandbox, which died before the gate could end, was to the same run.
   */
  failedOpen(pod: SimPod, gate: string, attempt: number): void {
    this.#failedOpenIn.set(`${pod.uid} ${gate} ${attempt}`, pod.sandbox)
    for (const claim of this.#claims.values())
      if (claim.pod === pod && claim.grant.gate === gate && claim.grant.attempt === attempt)
        claim.answeredIn = pod.sandbox
  }

  /** The sandbox in which the gate of this grant went without an answer. */
  #wentIn({ podUid, gate, attempt }: Grant): number | undefined {
    return this.#failedOpenIn.get(`${podUid} ${gate} ${attempt}`)
  }

  /** What an earlier run was granted died with its sandbox. */
  attemptBegan(podUid: string, attempt: number): void {
    for (const [key, { grant }] of this.#claims)
      if (grant.podUid === podUid && grant.attempt < attempt) this.#claims.delete(key)
  }

  /** Ended as far as the leader was shown; if its gate was told, its containers may run on. */
  released(key: string): void {
    const claim = this.#claims.get(key)
    if (claim) claim.isReleased = true
    if (claim?.answeredIn !== undefined) return
    if (claim?.isExempt) this.#lost.add(key)
    this.#claims.delete(key)
  }

  /** Whether its grant ended with its node: told later all the same, by a leader that slept, it counts no more. */
  endedWithNode(key: string): boolean {
    return this.#lost.has(key)
  }

  /** Taken back from a gate that waits: nothing that it stands before has started. */
  revoked(key: string): void {
    this.#claims.delete(key)
  }

  /** What a former leader decided on but neither stored nor answered is nobody's. */
  orphaned(key: string): void {
    this.released(key)
    // Its gate went without an answer, so what starts there is a start without a slot.
    if (!this.#toldIn.has(key)) this.#claims.delete(key)
  }

  nodeLost(node: string): void {
    for (const claim of this.#claims.values()) if (claim.grant.nodeName === node) claim.isExempt = true
  }
}
