import { type Grant, isFree, type Resource, type SlotTimeout, type Ticket } from '../lease-service/model/grant.ts'
import { compareTickets } from '../lease-service/queue/compare-tickets.ts'
import { AutoCheck } from './autos.ts'
import { Claims } from './claims.ts'
import { checkAfter, checkFree, checkImages, checkRide, checkStage } from './grant-rules.ts'
import { HeldSlots } from './held-slots.ts'
import { type Asked, type Limit, limitsInForce } from './limits-in-force.ts'
import type { SimPod } from './pod.ts'
import { PressureCheck } from './pressure.ts'
import { RateCheck } from './rates.ts'
import type { LimitTruth } from './truth.ts'

/** An agent that is connected notices a lost report, and has said it again, within this time. */
const MAX_REPORT_LAG_MS = 5_000

/**
 * Test support. Counts slots by what is true in the simulated cluster, not by what statuses say, and by none of the
 * ledger's code: at every grant, slots truly held plus the request must be within every limit in force (promise G1).
 */
export class Checker {
  readonly violations: string[] = []
  grants = 0
  /** How often a start without a slot took room from a request. */
  debtsCounted = 0
  readonly rates: RateCheck
  readonly pressures: PressureCheck
  readonly autos: AutoCheck
  readonly #limits: LimitTruth
  readonly #say: (line: string) => void
  readonly #askedAtMs = new Map<string, number>()
  readonly #claims: Claims
  readonly #held: HeldSlots

  /** `say` is told, in a line each, what is decided and what becomes of it. */
  constructor(limits: LimitTruth, say: (line: string) => void = () => undefined) {
    this.#limits = limits
    this.#say = say
    this.rates = new RateCheck(limits, this.violations)
    this.pressures = new PressureCheck(limits)
    this.autos = new AutoCheck(limits, this.violations)
    this.#claims = new Claims(limits)
    this.#held = new HeldSlots(this.#claims, limits)
  }

  addPod(pod: SimPod): void {
    this.#held.addPod(pod)
  }

  /** How often a pull went on without the one whose slot it shared. */
  get ridersLeft(): number {
    return this.#held.ridersLeft
  }

  /** A pod's gate was heard for the first time. */
  asked({ podUid, resource, attempt }: Pick<Ticket, 'podUid' | 'resource' | 'attempt'>, nowMs: number): void {
    this.#claims.attemptBegan(podUid, attempt)
    if (resource === 'start' && !this.#askedAtMs.has(podUid)) this.#askedAtMs.set(podUid, nowMs)
  }

  /** `isPass`: it may go although limits are full. */
  granted(grant: Grant, pod: SimPod, nowMs: number, isPass = false): void {
    this.grants += 1
    this.#say(`granted ${grant.key}: ${grant.slots} on ${grant.nodeName}${isPass ? ', beyond full limits' : ''}`)
    const before = this.#claims.get(grant.key)
    if (before?.answeredIn === pod.sandbox && this.#held.of(before, nowMs) > 0)
      this.violations.push(`DoubleGrant: ${grant.key}`)
    const mode = this.#modeOf(grant.namespace)
    if (mode === 'enforce' && grant.slots > 0) this.#checkTurn(grant, pod, nowMs)
    if (grant.isRider) this.violations.push(...checkRide(grant, pod, this.#claims))
    if (isFree(grant)) {
      if (mode !== 'off') this.violations.push(...checkFree(grant, pod, this.#claims))
      return
    }
    if (mode === 'enforce' && !grant.isRider) {
      if (isPass) this.#checkPass(grant, nowMs)
      else this.#checkLimits(grant, nowMs)
      if (grant.resource === 'start') this.rates.started(grant, nowMs)
    }
    this.violations.push(...checkImages(grant, pod))
    this.#claims.decided(grant, pod, { nowMs, isObserved: mode === 'observe' })
  }

  /** A gate is to be told of a grant that stands: where no leader had decided on it, its slots must be free now. */
  confirmed(grant: Grant, pod: SimPod, nowMs: number): void {
    const claim = this.#claims.get(grant.key)
    if (!claim?.isUndecided || claim.pod !== pod) return
    claim.isUndecided = false
    // A rider takes nothing: where its pull was left alone meanwhile, it holds its slot already.
    if (this.#modeOf(grant.namespace) === 'enforce' && !grant.isRider && !claim.isObserved)
      this.#checkLimits(grant, nowMs)
  }

  answered(key: string, pod: SimPod): void {
    this.#say(`answered ${key}`)
    this.#claims.answered(key, pod)
  }

  /** The gate went without an answer. */
  failedOpen(pod: SimPod, gate: string, attempt: number): void {
    this.#claims.failedOpen(pod, gate, attempt)
  }

  /** Whether a leader has decided on it, or found it stored. */
  isClaimed(key: string): boolean {
    return this.#claims.has(key)
  }

  /** Whether its grant ended with its node before its gate was told: a start under it is one without a slot. */
  endedWithNode(key: string): boolean {
    return this.#claims.endedWithNode(key)
  }

  /** Ended as far as the leader was shown. */
  released(key: string): void {
    this.#say(`released ${key}`)
    this.#claims.released(key)
  }

  /** Taken back from a gate that waits. */
  revoked(key: string): void {
    this.#say(`revoked ${key}`)
    this.#claims.revoked(key)
  }

  /** There is another leader, and all that it finds is in this store. */
  tookOver(store: Pick<ReadonlyMap<string, unknown>, 'has'>): void {
    for (const key of this.#claims.keys()) {
      if (store.has(key)) continue
      this.#say(`released ${key}`)
      this.#claims.orphaned(key)
    }
  }

  /** A new leader found it stored. */
  adopted(grant: Grant, pod: SimPod, nowMs: number): void {
    this.#say(`found stored ${grant.key}`)
    this.#claims.adopted(grant, pod, nowMs)
  }

  nodeLost(node: string): void {
    this.#claims.nodeLost(node)
  }

  /** A container that was heard to be ready long ago must not have held its slot to the end. */
  timedOut(
    { grant: { key }, container }: SlotTimeout,
    pod: SimPod,
    { nowMs, connectedMs }: { nowMs: number; connectedMs: number },
  ): void {
    this.#say(`timed out ${container} of ${key}`)
    const claim = this.#claims.get(key)
    if (claim?.answeredIn !== pod.sandbox || claim.isExempt || claim.isUndecided || pod.isOver) return
    // An agent says nothing of a container that it has not been shown.
    const never = Number.POSITIVE_INFINITY
    const { heardAtMs = never, shownAtMs = never } = pod.truth.get(container) ?? {}
    if (Math.min(nowMs - heardAtMs, nowMs - shownAtMs, connectedMs) > MAX_REPORT_LAG_MS)
      this.violations.push(`LostNotify: ${container} of ${pod.uid} was ready for long`)
  }

  /**
   * No start of one step may take the room of an older one of its namespace and node that the leader was shown to wait,
   * and that still has time to come back. To be called when all grants of the step are counted.
   */
  turnsKept(starts: readonly Grant[], unheard: readonly Ticket[], nowMs: number): void {
    for (const older of unheard) {
      if (this.#modeOf(older.namespace) !== 'enforce') continue
      const younger = starts.find(
        start =>
          start.namespace === older.namespace &&
          start.nodeName === older.nodeName &&
          start.slots >= older.slots &&
          compareTickets(older, start) < 0,
      )
      if (younger && !this.#hasRoom(older, nowMs)) this.violations.push(`Overtook: ${younger.key} before ${older.key}`)
    }
  }

  limitsOf(asked: Asked, nowMs: number): Limit[] {
    return limitsInForce(asked, this.#limits, {
      isHeldBack: nodeName => this.pressures.isHeldBack(nodeName, nowMs),
      autoOn: nodeName => this.autos.on(nodeName),
    })
  }

  #modeOf(namespace: string): 'enforce' | 'observe' | 'off' {
    return this.#limits.namespaces.get(namespace)?.mode ?? 'enforce'
  }

  #sinceMs({ podUid }: Grant, nowMs: number): number {
    return this.#askedAtMs.get(podUid) ?? nowMs
  }

  #checkTurn(grant: Grant, pod: SimPod, nowMs: number): void {
    const waitedMs = nowMs - this.#sinceMs(grant, nowMs)
    const readyAtMs = this.#limits.deploymentsReadyAtMs
    this.violations.push(
      ...checkStage(grant, pod, this.#claims),
      ...checkAfter(grant, pod, { nowMs, waitedMs, readyAtMs }),
    )
  }

  #checkPass(grant: Grant, nowMs: number): void {
    this.rates.passed(grant, this.#sinceMs(grant, nowMs), nowMs)
    const frozen = this.limitsOf(grant, nowMs).find(({ limit }) => limit === 0)
    if (frozen) this.violations.push(`PassFrozen: ${grant.key} in ${frozen.scope}`)
  }

  #checkLimits(grant: Grant, nowMs: number): void {
    const { key, slots } = grant
    for (const given of this.limitsOf(grant, nowMs)) {
      const { scope, limit, covers, hasDebt } = given
      const holders = this.#held.holders(grant, covers, nowMs)
      const held = this.#held.countedIn(given, holders, nowMs)
      const counted = this.#held.countedIn(given, holders, nowMs, grant)
      // Debt leaves room for the one that asks, if it is alone.
      const debt = hasDebt && limit > slots ? Math.min(this.#held.debtIn(covers, nowMs), limit - slots) : 0
      if (debt > 0) this.debtsCounted += 1
      const fits = counted + debt <= limit || (limit > 0 && slots > limit && held === 0)
      if (fits) continue
      const what = `${held} held + ${debt} owed + ${counted - held} > ${limit} (held by ${keysOf(holders)})`
      this.violations.push(`OverLimit: ${key} in ${scope}: ${what}`)
    }
  }

  #hasRoom(ticket: Ticket, nowMs: number): boolean {
    return this.limitsOf(ticket, nowMs).every(limit => {
      const holders = this.#held.holders(ticket, limit.covers, nowMs)
      return this.#held.countedIn(limit, holders, nowMs, ticket) <= limit.limit
    })
  }
}

function keysOf(claims: readonly { grant: Pick<Grant, 'key'> }[]): string {
  return claims.map(({ grant }) => grant.key).join(', ')
}

export function heldAnywhere(rows: { scope: string; resource: Resource; held: number }[]): string[] {
  return rows.filter(row => row.held !== 0).map(row => `${row.resource} ${row.scope}: ${row.held}`)
}
