import { effectivePullPolicy } from '../../core/image-name.ts'
import { DEFAULT_AFTER_MAX_WAIT_MS } from '../lease-service/after/after-waits.ts'
import { type Grant, isFree, type Resource, type SlotTimeout, type Ticket } from '../lease-service/model/grant.ts'
import { imageKeyOf } from '../lease-service/pods/image-key.ts'
import { compareTickets } from '../lease-service/queue/fair-queue.ts'
import { MAX_OPENING_MS, type SimPod } from './pod.ts'
import { PressureCheck } from './pressure.ts'
import { RateCheck } from './rates.ts'
import type { LimitTruth } from './truth.ts'

type Place = Pick<Grant, 'namespace' | 'nodeName' | 'images'>

export interface Limit {
  /** As the ledger's gauges have it. */
  id: string
  /** In words. */
  scope: string
  limit: number
  covers: (place: Place) => boolean
  /** Slots of one namespace that count there at most. */
  share?: number
  /** Starts without a slot are charged to their node and namespace alone. */
  hasDebt: boolean
}

interface Claim {
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

export const AFTER = 'startgate.dev/after'
export const AFTER_MAX_WAIT = 'startgate.dev/after-max-wait'

/** An agent that is connected notices a lost report, and has said it again, within this time. */
const MAX_REPORT_LAG_MS = 5_000

/**
 * Test support. Counts slots by what is true in the simulated cluster, not by what statuses say, and by none of the ledger's code:
 * at every grant, slots truly held plus the request must be within every limit in force (promise G1).
 */
export class Checker {
  readonly violations: string[] = []
  grants = 0
  /** How often a start without a slot took room from a request. */
  debtsCounted = 0
  /** How often a pull went on without the one whose slot it shared. */
  ridersLeft = 0
  readonly #limits: LimitTruth
  readonly #say: (line: string) => void
  readonly #askedAtMs = new Map<string, number>()
  readonly #claims = new Map<string, Claim>()
  /** By key: the sandbox whose gate was told, also without a slot. */
  readonly #toldIn = new Map<string, number>()
  readonly #pods: SimPod[] = []
  readonly rates: RateCheck
  readonly pressures: PressureCheck

  /** `say` is told, in a line each, what is decided and what becomes of it. */
  constructor(limits: LimitTruth, say: (line: string) => void = () => undefined) {
    this.#limits = limits
    this.#say = say
    this.rates = new RateCheck(limits, this.violations)
    this.pressures = new PressureCheck(limits)
  }

  addPod(pod: SimPod): void {
    this.#pods.push(pod)
  }

  /** `isPass`: it may go although limits are full. */
  granted(grant: Grant, pod: SimPod, nowMs: number, isPass = false): void {
    this.grants += 1
    this.#say(`granted ${grant.key}: ${grant.slots} on ${grant.nodeName}${isPass ? ', beyond full limits' : ''}`)
    if (this.#claims.get(grant.key)?.answeredIn === pod.sandbox && this.#slots(grant.key, nowMs) > 0)
      this.violations.push(`DoubleGrant: ${grant.key}`)
    const mode = this.#limits.namespaces.get(grant.namespace)?.mode ?? 'enforce'
    if (mode === 'enforce' && grant.slots > 0) {
      this.#checkStage(grant, pod)
      this.#checkAfter(grant, pod, nowMs)
    }
    if (grant.isRider) this.#checkRide(grant, pod)
    if (isFree(grant)) {
      this.#checkFree(grant, pod, mode)
      return
    }
    if (mode === 'enforce' && !grant.isRider) {
      if (isPass) this.#checkPass(grant, nowMs)
      else this.#checkLimits(grant, nowMs)
      if (grant.resource === 'start') this.rates.started(grant, nowMs)
    }
    this.#checkImages(grant, pod)
    const answeredIn = pod.failedOpenGates.has(grant.gate) ? pod.sandbox : undefined
    const isObserved = mode === 'observe'
    const isNew = { isExempt: false, isUndecided: false }
    this.#claims.set(grant.key, { grant, pod, decidedAtMs: nowMs, answeredIn, isObserved, ...isNew })
  }

  /** A gate is to be told of a grant that stands: where no leader had decided on it, its slots must be free now. */
  confirmed(grant: Grant, pod: SimPod, nowMs: number): void {
    const claim = this.#claims.get(grant.key)
    if (!claim?.isUndecided || claim.pod !== pod) return
    claim.isUndecided = false
    const mode = this.#limits.namespaces.get(grant.namespace)?.mode ?? 'enforce'
    // A rider takes nothing: where its pull was left alone meanwhile, it holds its slot already.
    if (mode === 'enforce' && !grant.isRider && !claim.isObserved) this.#checkLimits(grant, nowMs)
  }

  answered(key: string, pod: SimPod): void {
    this.#say(`answered ${key}`)
    this.#toldIn.set(key, pod.sandbox)
    const claim = this.#claims.get(key)
    if (claim) claim.answeredIn = pod.sandbox
  }

  /** The gate went without an answer: what was granted to it counts by what its containers do. */
  failedOpen(pod: SimPod, gate: string): void {
    for (const claim of this.#claims.values())
      if (claim.pod === pod && claim.grant.gate === gate) claim.answeredIn ??= pod.sandbox
  }

  /** Whether a leader has decided on it, or found it stored. */
  isClaimed(key: string): boolean {
    return this.#claims.has(key)
  }

  /** Ended as far as the leader was shown. */
  released(key: string): void {
    this.#say(`released ${key}`)
    const claim = this.#claims.get(key)
    if (claim) claim.isReleased = true
    this.dropped(key)
  }

  /** Not stored, or taken back, before its gate was told. */
  dropped(key: string): void {
    if (this.#claims.get(key)?.answeredIn === undefined) this.#claims.delete(key)
  }

  /** Taken back from a gate that waits: nothing that it stands before has started. */
  revoked(key: string): void {
    this.#say(`revoked ${key}`)
    this.#claims.delete(key)
  }

  /** What a former leader decided on but neither stored nor answered is nobody's. */
  tookOver(store: Pick<ReadonlyMap<string, unknown>, 'has'>): void {
    for (const key of this.#claims.keys()) {
      if (store.has(key)) continue
      this.released(key)
      // Its gate went without an answer, so what starts there is a start without a slot.
      if (!this.#toldIn.has(key)) this.#claims.delete(key)
    }
  }

  /** One that a leader wrote which led no more: it holds slots, though nobody decided on it in its term. */
  adopted(grant: Grant, pod: SimPod, nowMs: number): void {
    this.#say(`found stored ${grant.key}`)
    if (!this.#claims.has(grant.key))
      this.#claims.set(grant.key, {
        grant,
        pod,
        decidedAtMs: nowMs,
        answeredIn: pod.failedOpenGates.has(grant.gate) ? pod.sandbox : this.#toldIn.get(grant.key),
        isExempt: this.#limits.nodes.get(grant.nodeName)?.isLost ?? false,
        isObserved: grant.isObserved ?? false,
        isUndecided: true,
      })
  }

  nodeLost(node: string): void {
    for (const claim of this.#claims.values()) if (claim.grant.nodeName === node) claim.isExempt = true
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
   * No start of one step may take the room of an older one of its namespace and node that the leader was shown to wait, and
   * that still has time to come back. To be called when all grants of the step are counted.
   */
  turnsKept(starts: readonly Grant[], unheard: readonly Ticket[], nowMs: number): void {
    for (const older of unheard) {
      if ((this.#limits.namespaces.get(older.namespace)?.mode ?? 'enforce') !== 'enforce') continue
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

  #hasRoom(ticket: Ticket, nowMs: number): boolean {
    return this.limitsOf(ticket, nowMs).every(limit => {
      const holders = this.#holders(ticket, limit.covers, nowMs)
      return this.#countedIn(limit, holders, nowMs, ticket) <= limit.limit
    })
  }

  /** The kubelet opens gates one by one: a stage before which another one has nothing yet must hold nothing. */
  #checkStage({ gate, key }: Grant, pod: SimPod): void {
    const stages = pod.sequence?.stages ?? []
    const before = stages[stages.findIndex(s => s.gate === gate) - 1]
    if (
      before &&
      !pod.grantedGates.has(before.gate) &&
      !pod.failedOpenGates.has(before.gate) &&
      !this.#isPending(pod, before.gate)
    )
      this.violations.push(`StageSkipped: ${key} before ${before.gate}`)
  }

  /** A pod's gate was heard for the first time. */
  asked({ podUid, resource, attempt }: Pick<Ticket, 'podUid' | 'resource' | 'attempt'>, nowMs: number): void {
    // What an earlier run was granted died with its sandbox.
    for (const [key, { grant }] of this.#claims)
      if (grant.podUid === podUid && grant.attempt < attempt) this.#claims.delete(key)
    if (resource === 'start' && !this.#askedAtMs.has(podUid)) this.#askedAtMs.set(podUid, nowMs)
  }

  /** No start slot before what the pod comes after is ready, or the pod has waited as long as it may. */
  #checkAfter({ resource, gate, key, attempt, podUid }: Grant, pod: SimPod, nowMs: number): void {
    const isLater = (pod.sequence?.stages.findIndex(s => s.gate === gate) ?? 0) > 0
    const waitedMs = nowMs - (this.#askedAtMs.get(podUid) ?? nowMs)
    const { [AFTER]: text = '', [AFTER_MAX_WAIT]: maxWait } = pod.base.metadata.annotations ?? {}
    const maxWaitMs = maxWait === undefined ? DEFAULT_AFTER_MAX_WAIT_MS : Number.parseInt(maxWait, 10) * 1_000
    if (resource !== 'start' || isLater || waitedMs >= maxWaitMs) return
    for (const name of text.match(/dep-\d/g) ?? []) {
      const readyAtMs = this.#limits.deploymentsReadyAtMs.get(name) ?? (attempt > 1 ? 0 : Number.POSITIVE_INFINITY)
      if (readyAtMs > nowMs) this.violations.push(`AfterIgnored: ${key} before ${name}`)
    }
  }

  /** Decided on, and perhaps not answered yet. */
  #isPending(pod: SimPod, gate: string): boolean {
    return [...this.#claims.values()].some(claim => claim.pod === pod && claim.grant.gate === gate)
  }

  #checkFree({ resource, key, namespace, gate, attempt }: Grant, pod: SimPod, mode: string): void {
    if (mode === 'off') return
    const images = imagesOf(pod)
    const present = new Set([...pod.world.imagesOn(pod.base.spec.nodeName ?? '')].map(imageKeyOf))
    const isServed =
      pod.passedGates.has(gate) || this.#claims.get(`start.${pod.uid}.${attempt}`)?.answeredIn === pod.sandbox
    if (isServed && resource === 'start') return
    if (resource === 'start' || images.some(image => !present.has(imageKeyOf(image))))
      this.violations.push(`FreePass: ${key} of ${namespace} passed without a slot`)
  }

  /** Without a slot: others pull all of it. */
  #checkRide({ key, nodeName, images }: Grant, pod: SimPod): void {
    const others = [...this.#claims.values()].filter(c => c.pod !== pod && c.grant.nodeName === nodeName)
    const pulled = new Set(others.flatMap(({ grant }) => grant.images))
    if (images.some(image => !pulled.has(image))) this.violations.push(`FreePass: ${key} rides on nobody`)
  }

  /** Riders that truly pull what nobody pulls under a slot to their node, as few as may be: these hold one. */
  #leftAlone(nodeName: string, nowMs: number): Set<Claim> {
    const here = [...this.#claims.values()].filter(c => c.grant.resource === 'pull' && c.grant.nodeName === nodeName)
    const covered = new Set(here.flatMap(({ grant, isReleased }) => (grant.isRider || isReleased ? [] : grant.images)))
    for (const { pod } of here) for (const image of pod.world.imagesOn(nodeName)) covered.add(imageKeyOf(image))
    const riders = here.filter(claim => claim.grant.isRider && this.#isPulling(claim, nowMs))
    const left = riders
      .toSorted((a, b) => b.grant.images.length - a.grant.images.length)
      .filter(({ grant: { images } }) => {
        const isLeft = images.some(image => !covered.has(image))
        for (const image of isLeft ? images : []) covered.add(image)
        return isLeft
      })
    if (left.length > 0) this.ridersLeft += 1
    return new Set(left)
  }

  #isPulling({ pod, grant, answeredIn, decidedAtMs, isExempt }: Claim, nowMs: number): boolean {
    const isLive = !isExempt && !pod.isOver && answeredIn === pod.sandbox
    return isLive && !pod.isPulled && nowMs < decidedAtMs + grant.timeoutMs
  }

  #checkPass(grant: Grant, nowMs: number): void {
    this.rates.passed(grant, this.#askedAtMs.get(grant.podUid) ?? nowMs, nowMs)
    const frozen = this.limitsOf(grant, nowMs).find(({ limit }) => limit === 0)
    if (frozen) this.violations.push(`PassFrozen: ${grant.key} in ${frozen.scope}`)
  }

  /** What is not on the node will be pulled, so it counts for its registry. */
  #checkImages({ key, resource, images }: Grant, pod: SimPod): void {
    if (resource !== 'pull') return
    const present = pod.world.imagesOn(pod.base.spec.nodeName ?? '')
    const missed = imagesOf(pod).find(image => !present.has(image) && !images.includes(imageKeyOf(image)))
    if (missed) this.violations.push(`ImageMissed: ${key} does not count ${missed}`)
  }

  /** Containers that are starting without a slot, as far as the leader was shown. */
  #debtIn(covers: (place: Place) => boolean, nowMs: number): number {
    let debt = 0
    for (const pod of this.#pods) {
      const { namespace = '' } = pod.base.metadata
      const { nodeName = '' } = pod.base.spec
      const isExempt =
        this.#limits.namespaces.get(namespace)?.mode === 'off' || this.#limits.nodes.get(nodeName)?.isLost
      if (pod.isOver || isExempt || !covers({ namespace, nodeName, images: [] })) continue
      const owing = pod.startingShown(nowMs)
      if (owing.length === 0) continue
      const ofPod = [...this.#claims].filter(([, claim]) => claim.pod === pod && !claim.isObserved)
      const held = new Set(ofPod.flatMap(([key]) => this.#startingOf(key, nowMs)))
      debt += owing.filter(name => !held.has(name)).length
    }
    return debt
  }

  #checkLimits(grant: Grant, nowMs: number): void {
    const { key, slots } = grant
    for (const given of this.limitsOf(grant, nowMs)) {
      const { scope, limit, covers, hasDebt } = given
      const holders = this.#holders(grant, covers, nowMs)
      const held = this.#countedIn(given, holders, nowMs)
      const counted = this.#countedIn(given, holders, nowMs, grant)
      // Debt leaves room for the one that asks, if it is alone.
      const debt = hasDebt && limit > slots ? Math.min(this.#debtIn(covers, nowMs), limit - slots) : 0
      if (debt > 0) this.debtsCounted += 1
      const fits = counted + debt <= limit || (limit > 0 && slots > limit && held === 0)
      if (fits) continue
      const what = `${held} held + ${debt} owed + ${counted - held} > ${limit} (held by ${holders.join(', ')})`
      this.violations.push(`OverLimit: ${key} in ${scope}: ${what}`)
    }
  }

  /** Slots that count in a scope, with those of one more request: of each namespace no more than its share. */
  #countedIn({ share }: Limit, holders: string[], nowMs: number, more?: Pick<Grant, 'namespace' | 'slots'>): number {
    const byNamespace = new Map<string, number>()
    const add = (namespace: string, slots: number) =>
      byNamespace.set(namespace, (byNamespace.get(namespace) ?? 0) + slots)
    for (const key of holders) add(this.#claims.get(key)?.grant.namespace ?? '', this.#slots(key, nowMs))
    if (more) add(more.namespace, more.slots)
    return [...byNamespace.values()].reduce((sum, slots) => sum + Math.min(slots, share ?? slots), 0)
  }

  /** Keys of others that truly hold slots of the same resource there. */
  #holders(
    { key, resource }: Pick<Grant, 'key' | 'resource'>,
    covers: (place: Place) => boolean,
    nowMs: number,
  ): string[] {
    const others = [...this.#claims].filter(
      ([other, { grant, isObserved }]) => other !== key && grant.resource === resource && !isObserved && covers(grant),
    )
    return others.flatMap(([other]) => (this.#slots(other, nowMs) > 0 ? [other] : []))
  }

  /** The limits in force for a place; Infinity where there is none. */
  limitsOf({ resource, namespace, nodeName, images }: Place & Pick<Grant, 'resource'>, nowMs: number): Limit[] {
    const { settings, namespaces, nodes } = this.#limits
    const cores = nodes.get(nodeName)?.cores ?? 1
    const ours = namespaces.get(namespace) ?? {}
    const isStart = resource === 'start'
    const perCore = (factor: number | undefined) =>
      factor === undefined || !isStart ? Number.POSITIVE_INFINITY : factor && Math.max(1, Math.floor(factor * cores))
    const cluster = isStart
      ? (settings.cluster.maxStarting ?? Number.POSITIVE_INFINITY)
      : (settings.cluster.maxPulling ?? 20)
    const inNamespace = (isStart ? ours.maxStarting : ours.maxPulling) ?? Number.POSITIVE_INFINITY
    const share = Math.max(1, Math.floor(cluster * settings.namespaceShare))
    const both = (isStart ? ours.maxStartingPerNode : ours.maxPullingPerNode) ?? Number.POSITIVE_INFINITY
    const isHere = (place: Place) => place.nodeName === nodeName
    const isOurs = (place: Place) => place.namespace === namespace
    const hasDebt = isStart
    const registries = [...new Set(images.map(registryOf))].map(registry => ({
      id: `registry/${registry}`,
      scope: `registry ${registry}`,
      limit: settings.registries[registry] ?? Number.POSITIVE_INFINITY,
      covers: (place: Place) => place.images.some(image => registryOf(image) === registry),
      hasDebt: false,
    }))
    return [
      {
        id: 'cluster',
        scope: 'cluster',
        limit: cluster,
        covers: () => true,
        hasDebt: false,
        ...(isStart && { share }),
      },
      { id: `node/${nodeName}`, ...this.#nodeLimit(resource, nodeName, nowMs), covers: isHere, hasDebt },
      {
        id: `namespace/${namespace}`,
        scope: `namespace ${namespace}`,
        limit: Math.min(inNamespace, share),
        covers: isOurs,
        hasDebt,
      },
      {
        id: `namespace/${namespace}/node/${nodeName}`,
        scope: `namespace ${namespace} on node ${nodeName}`,
        limit: Math.min(both, perCore(ours.maxStartingPerCore)),
        covers: place => isHere(place) && isOurs(place),
        hasDebt,
      },
      ...registries,
    ]
  }

  /** Under pressure a node starts one at a time, and none where its limit is 0. */
  #nodeLimit(resource: Resource, nodeName: string, nowMs: number): Pick<Limit, 'scope' | 'limit'> {
    const { settings, nodes } = this.#limits
    const scope = `node ${nodeName}`
    if (resource === 'pull') return { scope, limit: settings.node.maxPulling ?? 1 }
    const { cores = 1, annotation } = nodes.get(nodeName) ?? {}
    const limit = annotation ?? settings.node.maxStarting ?? Math.max(2, cores)
    const isHeldBack = this.pressures.isHeldBack(nodeName, nowMs)
    return isHeldBack ? { scope: `${scope} under pressure`, limit: Math.min(1, limit) } : { scope, limit }
  }

  /** Containers that truly start under a claim that was answered. */
  #startingOf(key: string, nowMs: number): string[] {
    const claim = this.#claims.get(key)
    if (!claim || claim.isExempt || claim.grant.resource === 'pull' || claim.answeredIn !== claim.pod.sandbox) return []
    const { grant, pod, decidedAtMs } = claim
    const unseenUntilMs = decidedAtMs + grant.timeoutMs
    return grant.containers.filter(name => {
      const truth = pod.truth.get(name)
      if (!truth || truth.isPast) return false
      const { isUnsure, runningSinceMs, shownAtMs = Number.POSITIVE_INFINITY } = truth
      // A start that the leader saw only after the timeout is a late start: debt, not a slot.
      const isSeen = runningSinceMs !== undefined && shownAtMs < unseenUntilMs
      const untilMs = isSeen ? runningSinceMs + grant.timeoutMs : unseenUntilMs
      // Where READY=1 may have been lost, the agent takes it for ready at the start timeout after the gate's opening.
      const openedAtMs = (isUnsure ? pod.openedAtMs(name) : undefined) ?? Number.POSITIVE_INFINITY
      return nowMs < Math.min(untilMs, openedAtMs + pod.world.startTimeoutMs - MAX_OPENING_MS)
    })
  }

  /** Slots that the claim truly holds now. */
  #slots(key: string, nowMs: number): number {
    const claim = this.#claims.get(key)
    if (!claim || claim.isExempt || claim.pod.isOver) return 0
    const { grant, pod, answeredIn, decidedAtMs } = claim
    const unseenUntilMs = decidedAtMs + grant.timeoutMs
    if (answeredIn === undefined) return nowMs < unseenUntilMs ? grant.slots : 0
    // The containers of an earlier sandbox are dead.
    if (answeredIn !== pod.sandbox) return 0
    if (grant.isRider) return this.#leftAlone(grant.nodeName, nowMs).has(claim) ? 1 : 0
    if (grant.resource === 'pull') return this.#isPulling(claim, nowMs) ? 1 : 0
    return this.#startingOf(key, nowMs).length
  }
}

function imagesOf({ base }: SimPod): string[] {
  return [...(base.spec.initContainers ?? []), ...base.spec.containers].flatMap(c =>
    c.image && !c.image.includes('startgate') && effectivePullPolicy(c) !== 'Never' ? [c.image] : [],
  )
}

function registryOf(image: string): string {
  return image.split('/')[0] ?? ''
}

export function heldAnywhere(rows: { scope: string; resource: Resource; held: number }[]): string[] {
  return rows.filter(row => row.held !== 0).map(row => `${row.resource} ${row.scope}: ${row.held}`)
}
