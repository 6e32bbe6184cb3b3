import type { Grant } from '../lease-service/model/grant.ts'
import { imageKeyOf } from '../lease-service/pods/image-key.ts'
import type { Claim, Claims } from './claims.ts'
import type { Covers, Limit } from './limits-in-force.ts'
import type { SimPod } from './pod.ts'
import { MAX_OPENING_MS } from './start-order.ts'
import type { LimitTruth } from './truth.ts'

/** Test support. Slots that are truly held: by what containers do in the simulated cluster, not by their statuses. */
export class HeldSlots {
  /** How often a pull went on without the one whose slot it shared. */
  ridersLeft = 0
  readonly #claims: Claims
  readonly #limits: LimitTruth
  readonly #pods: SimPod[] = []

  constructor(claims: Claims, limits: LimitTruth) {
    this.#claims = claims
    this.#limits = limits
  }

  addPod(pod: SimPod): void {
    this.#pods.push(pod)
  }

  /** Slots that the claim truly holds now. */
  of(claim: Claim | undefined, nowMs: number): number {
    if (!claim || claim.isExempt || claim.pod.isOver) return 0
    const { grant, pod, answeredIn, decidedAtMs } = claim
    const unseenUntilMs = decidedAtMs + grant.timeoutMs
    if (answeredIn === undefined) return nowMs < unseenUntilMs ? grant.slots : 0
    // The containers of an earlier sandbox are dead.
    if (answeredIn !== pod.sandbox) return 0
    if (grant.isRider) return this.#leftAlone(grant.nodeName, nowMs).has(claim) ? 1 : 0
    if (grant.resource === 'pull') return isPulling(claim, nowMs) ? 1 : 0
    return startingOf(claim, nowMs).length
  }

  /** Claims of others that truly hold slots of the same resource there. */
  holders({ key, resource }: Pick<Grant, 'key' | 'resource'>, covers: Covers, nowMs: number): Claim[] {
    const others = this.#claims
      .all()
      .filter(
        ({ grant, isObserved }) => grant.key !== key && grant.resource === resource && !isObserved && covers(grant),
      )
    return others.filter(other => this.of(other, nowMs) > 0)
  }

  /** Slots that count in a scope, with those of one more request: of each namespace no more than its share. */
  countedIn(
    { share }: Limit,
    holders: readonly Claim[],
    nowMs: number,
    more?: Pick<Grant, 'namespace' | 'slots'>,
  ): number {
    const byNamespace = new Map<string, number>()
    const add = (namespace: string, slots: number) =>
      byNamespace.set(namespace, (byNamespace.get(namespace) ?? 0) + slots)
    for (const claim of holders) add(claim.grant.namespace, this.of(claim, nowMs))
    if (more) add(more.namespace, more.slots)
    return [...byNamespace.values()].reduce((sum, slots) => sum + Math.min(slots, share ?? slots), 0)
  }

  /** Containers that are starting without a slot, as far as the leader was shown. */
  debtIn(covers: Covers, nowMs: number): number {
    let debt = 0
    for (const pod of this.#pods) {
      const { namespace = '' } = pod.base.metadata
      const { nodeName = '' } = pod.base.spec
      const isExempt =
        this.#limits.namespaces.get(namespace)?.mode === 'off' || this.#limits.nodes.get(nodeName)?.isLost
      if (pod.isOver || isExempt || !covers({ namespace, nodeName, images: [] })) continue
      const owing = pod.startingShown(nowMs)
      if (owing.length === 0) continue
      const ofPod = this.#claims.all().filter(claim => claim.pod === pod && !claim.isObserved)
      const held = new Set(ofPod.flatMap(claim => startingOf(claim, nowMs)))
      debt += owing.filter(name => !held.has(name)).length
    }
    return debt
  }

  /**
   * Riders that truly pull what nobody pulls under a slot to their node, as few as may be: these hold one. Those of
   * observed namespaces first, since theirs is debt.
   */
  #leftAlone(nodeName: string, nowMs: number): Set<Claim> {
    const here = this.#claims.all().filter(c => c.grant.resource === 'pull' && c.grant.nodeName === nodeName)
    const covered = new Set(here.flatMap(claim => (isCarrying(claim, nowMs) ? claim.grant.images : [])))
    for (const { pod } of here) for (const image of pod.world.imagesOn(nodeName)) covered.add(imageKeyOf(image))
    const riders = here.filter(claim => claim.grant.isRider && isPulling(claim, nowMs))
    const left = riders
      .toSorted((a, b) => Number(b.isObserved) - Number(a.isObserved) || b.grant.images.length - a.grant.images.length)
      .filter(({ grant: { images } }) => {
        const isLeft = images.some(image => !covered.has(image))
        for (const image of isLeft ? images : []) covered.add(image)
        return isLeft
      })
    if (left.length > 0) this.ridersLeft += 1
    return new Set(left)
  }
}

/**
 * Whether others may ride on it: it has a slot, or was left alone and is of an observed namespace, whose pulls are debt
 * from the decision on, also where its gate has not been told yet.
 */
function isCarrying({ grant, isReleased, isObserved, answeredIn, decidedAtMs }: Claim, nowMs: number): boolean {
  if (!grant.isRider) return !isReleased
  return isObserved && answeredIn === undefined && nowMs < decidedAtMs + grant.timeoutMs
}

function isPulling({ pod, grant, answeredIn, decidedAtMs, isExempt }: Claim, nowMs: number): boolean {
  const isLive = !isExempt && !pod.isOver && answeredIn === pod.sandbox
  return isLive && !pod.isPulled && nowMs < decidedAtMs + grant.timeoutMs
}

/** Containers that truly start under a claim that was answered. */
function startingOf({ grant, pod, decidedAtMs, answeredIn, isExempt }: Claim, nowMs: number): string[] {
  if (isExempt || grant.resource === 'pull' || answeredIn !== pod.sandbox) return []
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
