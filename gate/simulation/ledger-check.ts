import type { Pod } from '../../core/pod.ts'
import type { Ledger } from '../lease-service/ledger/ledger.ts'
import type { Step } from '../lease-service/ledger/step.ts'
import type { Grant, Resource, SlotTimeout, Ticket, Waiting } from '../lease-service/model/grant.ts'
import { imageKeyOf } from '../lease-service/pods/image-key.ts'
import type { Checker } from './checker.ts'
import { isMaybeOverdue, TurnCheck } from './fairness.ts'
import type { SimPod } from './pod.ts'
import { Unheard } from './returns.ts'
import type { Situations } from './situations.ts'
import type { Timeline } from './timeline.ts'
import type { LimitTruth } from './truth.ts'

export interface LedgerCheckDeps {
  time: Timeline
  checker: Checker
  limits: LimitTruth
  situations: Situations
  /** How much the leader's clock is off those of the nodes. */
  skewMs: () => number
  /** Whether the election Lease says that this replica leads. */
  isOurs: () => boolean
  podOf: (uid: string) => SimPod | undefined
  /** Since when the agent of a pod has been connected. */
  agentSinceMs: (podUid: string) => number | undefined
}

/**
 * Test support. Has all that one leader's ledger is told and decides checked. What one decides that leads no more is
 * nobody's grant, and checked only if a gate goes by it.
 */
export class LedgerCheck {
  readonly #deps: LedgerCheckDeps
  readonly #ledger: Ledger
  readonly #unheard = new Unheard()
  readonly #asked = new Map<string, Ticket>()
  readonly #shown = new Map<string, Pod>()
  /** Stored when this replica led no more. */
  readonly #late = new Map<string, Grant>()
  #returnsUntilMs = 0
  /** A ticket that went for overdue then stays the first until it is granted. */
  #wasSkewed = false

  constructor(ledger: Ledger, deps: LedgerCheckDeps) {
    this.#deps = deps
    this.#ledger = ledger
    this.#watchFacts(ledger)
    this.#watchGrants(ledger)
  }

  #watchFacts(ledger: Ledger): void {
    const upsertPod = ledger.upsertPod.bind(ledger)
    const removePod = ledger.removePod.bind(ledger)
    const forgetStarted = ledger.forgetStarted.bind(ledger)
    const expectReconnects = ledger.expectReconnects.bind(ledger)
    ledger.upsertPod = pod => {
      this.#podShown(pod)
      upsertPod(pod)
    }
    ledger.removePod = uid => {
      this.#shown.delete(uid)
      this.#unheard.remove(uid)
      removePod(uid)
    }
    ledger.forgetStarted = uid => {
      this.#deps.situations.note('a pod past starting was forgotten')
      this.#shown.delete(uid)
      forgetStarted(uid)
    }
    ledger.expectReconnects = untilMs => {
      this.#expectReconnects(untilMs)
      expectReconnects(untilMs)
    }
  }

  #watchGrants(ledger: Ledger): void {
    const adopt = ledger.adopt.bind(ledger)
    const ask = ledger.ask.bind(ledger)
    const revoke = ledger.revoke.bind(ledger)
    const stored = ledger.stored.bind(ledger)
    const step = ledger.step.bind(ledger)
    const { checker, isOurs, podOf, time } = this.#deps
    ledger.adopt = (grant, nowMs) => {
      adopt(grant, nowMs)
      const pod = podOf(grant.podUid)
      // What one finds that slept since it listed may long be gone.
      if (pod && isOurs()) checker.adopted(grant, pod, time.nowMs)
    }
    ledger.ask = (ticket, ...at) => this.#ask(ticket, () => ask(ticket, ...at))
    ledger.revoke = key => {
      revoke(key)
      if (isOurs()) checker.revoked(key)
    }
    ledger.stored = grant => {
      if (!isOurs()) this.#late.set(grant.key, grant)
      stored(grant)
      // It is answered next.
      if (isOurs() && ledger.grantOf(grant.key) === undefined)
        checker.violations.push(`Uncounted: ${grant.key} is answered, but its leader does not hold its slots`)
    }
    ledger.step = (...args) => {
      const decided = step(...args)
      this.#check(decided)
      return decided
    }
  }

  /**
   * A gate went by this grant. One whose leader leads no more had its Lease stored before the next one counted them
   * all, so that it holds its slots there; or it was faulty, and the slots must be free by chance.
   */
  heard(key: string, pod: SimPod): void {
    const { checker, time } = this.#deps
    const late = this.#late.get(key)
    if (late && !checker.isClaimed(key) && !checker.endedWithNode(key)) checker.granted(late, pod, time.nowMs)
  }

  #podShown(pod: Pod): void {
    const { isOurs, podOf, skewMs } = this.#deps
    const { uid = '' } = pod.metadata
    const isFirstSight = !this.#shown.has(uid)
    this.#shown.set(uid, pod)
    if (isOurs()) podOf(uid)?.showed(pod, isFirstSight && skewMs() !== 0)
    this.#unheard.podChanged(pod)
  }

  #expectReconnects(untilMs: number): void {
    const { podOf } = this.#deps
    this.#returnsUntilMs = untilMs
    const firstRuns = [...this.#shown.values()].filter(({ metadata }) => podOf(metadata.uid ?? '')?.sandbox === 1)
    this.#unheard.tookOver(firstRuns, uid => !this.#ledger.isIdle(uid), untilMs)
  }

  #ask(ticket: Ticket, ask: () => Grant | undefined): Grant | undefined {
    const { checker, isOurs, podOf, situations, time } = this.#deps
    const { key, podUid } = ticket
    checker.asked(ticket, time.nowMs)
    this.#unheard.remove(podUid)
    if (!this.#asked.has(key)) this.#asked.set(key, ticket)
    const wasHeld = this.#ledger.grantOf(key) !== undefined
    const granted = ask()
    const pod = podOf(podUid)
    if (granted && pod && isOurs()) checker.confirmed(granted, pod, time.nowMs)
    if (!granted && wasHeld) situations.note('a stored grant was decided on anew')
    return granted
  }

  #check(step: Step): void {
    const { isOurs, situations, checker } = this.#deps
    const { grants, oversize, passes, releases, timeouts, waiting } = step
    if (step.failure !== undefined) throw step.failure
    for (const { podUid, reason } of step.troubles) checker.violations.push(`SetAside: ${podUid}: ${reason}`)
    situations.note('a request was larger than a limit', oversize.length)
    situations.note('one passed full limits', passes.length)
    situations.note('a pull rode on another', grants.filter(({ isRider }) => isRider).length)
    if (waiting.length > 0) situations.note('a slot timed out while others waited', timeouts.length)
    if (waiting.some(({ reason }) => reason.includes('under cpu pressure')))
      situations.note('pressure held a start back')
    if (waiting.some(({ reason }) => reason.startsWith('pull: image '))) situations.note('a ramp held a pull back')
    if (!isOurs()) return
    for (const timeout of timeouts) this.#checkTimeout(timeout)
    for (const { grant } of releases) checker.released(grant.key)
    this.#checkTurns(step)
    this.#checkGrants(step)
    const namespaces = new Set(this.#inLine(waiting, 'start').map(({ namespace }) => namespace))
    checker.rates.waits(namespaces, this.#deps.time.nowMs)
  }

  #checkGrants({ grants, passes }: Step): void {
    const { checker, podOf, time, situations } = this.#deps
    const passing = new Set(passes.map(({ key }) => key))
    for (const grant of grants) {
      const pod = podOf(grant.podUid)
      if (pod) checker.granted(grant, pod, time.nowMs, passing.has(grant.key))
    }
    if (passing.size > 0) return
    const unheard = this.#unheard.tickets(time.nowMs)
    if (unheard.length > 0) situations.note('a new leader kept a turn')
    const starts = grants.filter(({ resource, slots }) => resource === 'start' && slots > 0)
    checker.turnsKept(starts, unheard, time.nowMs)
  }

  /** Tickets in line: not those that wait for something else, or that a 0 keeps back. */
  #inLine(waiting: readonly Waiting[], resource: Resource): Ticket[] {
    return waiting.flatMap(row =>
      row.resource === resource && row.reason.endsWith('in line') ? (this.#asked.get(row.key) ?? []) : [],
    )
  }

  /** Of steps in which turns alone decide: none is kept, nobody passes full limits or rides on another's pull. */
  #checkTurns({ grants, passes, waiting }: Step): void {
    const { checker, limits, time, skewMs, situations } = this.#deps
    const { settings, namespaces } = limits
    this.#wasSkewed ||= skewMs() !== 0
    if (time.nowMs <= this.#returnsUntilMs || passes.length > 0) return
    for (const resource of ['start', 'pull'] as const) {
      // How many nodes have an image the leader learns later than it is so.
      const hasRamp = settings.pullRamp || namespaces.values().some(({ pullRamp }) => pullRamp)
      const isElse = resource === 'start' ? settings.cluster.maxStartRate : hasRamp || grants.some(g => g.isRider)
      if (isElse) continue
      const decided = grants.filter(grant => grant.resource === resource && grant.slots > 0 && !grant.isObserved)
      const inLine = decided.length > 0 ? this.#inLine(waiting, resource) : []
      if (!inLine.some(({ namespace }) => decided.some(grant => grant.namespace !== namespace))) continue
      const { unfair, byWeight } = new TurnCheck({
        grants: decided,
        waiting: inLine,
        usage: this.#ledger.usage().filter(row => row.resource === resource),
        isPartlyPulled: ticket => this.#isPartlyPulled(ticket),
        isOverdue: ticket => this.#wasSkewed || isMaybeOverdue(ticket, time.nowMs),
        limitsOf: ticket => checker.limitsOf(ticket, time.nowMs),
        namespaces,
      })
      checker.violations.push(...unfair)
      situations.note('turns went by weight', byWeight)
    }
  }

  #isPartlyPulled({ podUid, nodeName, images }: Ticket): boolean {
    const present = this.#deps.podOf(podUid)?.world.imagesOn(nodeName) ?? []
    return images.length > 0 && [...present].some(image => images.includes(imageKeyOf(image)))
  }

  #checkTimeout(timeout: SlotTimeout): void {
    const { time, checker, podOf, agentSinceMs } = this.#deps
    const { podUid } = timeout.grant
    const pod = podOf(podUid)
    const { nowMs } = time
    if (pod) checker.timedOut(timeout, pod, { nowMs, connectedMs: nowMs - (agentSinceMs(podUid) ?? nowMs) })
  }
}
