import type { NamespaceSettings } from '../../core/annotations.ts'
import { effectivePullPolicy } from '../../core/image-name.ts'
import { DEFAULT_AFTER_MAX_WAIT_MS } from './after-waits.ts'
import type { ClusterSettings } from './limits.ts'
import type { Grant, Resource, SlotTimeout, Ticket } from './model.ts'
import type { SimPod } from './simulation-pod.ts'

/** What limits are in force, as the simulated cluster has them. */
export interface LimitTruth {
  settings: ClusterSettings
  namespaces: Map<string, NamespaceSettings>
  nodes: Map<string, { cores: number; annotation?: number; isLost: boolean }>
  /** What pods come after; Infinity: never, absent: no such Deployment. */
  deploymentsReadyAtMs: Map<string, number>
}

interface Claim {
  grant: Grant
  pod: SimPod
  decidedAtMs: number
  /** The sandbox whose gate got the answer; undefined until one did. */
  answeredIn: number | undefined
  /** It ran on a node that was lost: the design counts it no more. */
  isExempt: boolean
  /** Left by a leader that had not decided on it in the end, or led no more. */
  isUndecided: boolean
}

export const AFTER = 'startgate.dev/after'

/** A status may reach the leader this much later than the truth. */
const MAX_STATUS_LAG_MS = 12_000
/** An agent that is connected notices a lost report, and has said it again, within this time. */
const MAX_REPORT_LAG_MS = 5_000

/**
 * Test support. Counts slots by what is true in the simulated cluster, not by what statuses say, and by none of the ledger's code:
 * at every grant, slots truly held plus the request must be within every limit in force (promise G1).
 */
export class Checker {
  readonly violations: string[] = []
  grants = 0
  readonly #limits: LimitTruth
  readonly #askedAtMs = new Map<string, number>()
  readonly #claims = new Map<string, Claim>()

  constructor(limits: LimitTruth) {
    this.#limits = limits
  }

  granted(grant: Grant, pod: SimPod, nowMs: number): void {
    this.grants += 1
    if (this.#claims.get(grant.key)?.answeredIn === pod.sandbox && this.#slots(grant.key, nowMs) > 0)
      this.violations.push(`DoubleGrant: ${grant.key}`)
    const mode = this.#limits.namespaces.get(grant.namespace)?.mode ?? 'enforce'
    if (mode === 'enforce' && grant.slots > 0) {
      this.#checkStage(grant, pod)
      this.#checkAfter(grant, pod, nowMs)
    }
    if (grant.slots === 0) {
      this.#checkFree(grant, pod, mode)
      return
    }
    if (mode === 'enforce') this.#checkLimits(grant, nowMs)
    const answeredIn = pod.failedOpenGates.has(grant.gate) ? pod.sandbox : undefined
    this.#claims.set(grant.key, { grant, pod, decidedAtMs: nowMs, answeredIn, isExempt: false, isUndecided: false })
  }

  /** A gate is to be told of a grant that stands: where no leader had decided on it, its slots must be free now. */
  confirmed(grant: Grant, pod: SimPod, nowMs: number): void {
    const claim = this.#claims.get(grant.key)
    if (!claim?.isUndecided || claim.pod !== pod) return
    claim.isUndecided = false
    const mode = this.#limits.namespaces.get(grant.namespace)?.mode ?? 'enforce'
    if (mode === 'enforce') this.#checkLimits(grant, nowMs)
  }

  answered(key: string, pod: SimPod): void {
    const claim = this.#claims.get(key)
    if (claim) claim.answeredIn = pod.sandbox
  }

  /** The gate went without an answer: what was granted to it counts by what its containers do. */
  failedOpen(pod: SimPod, gate: string): void {
    for (const claim of this.#claims.values())
      if (claim.pod === pod && claim.grant.gate === gate) claim.answeredIn ??= pod.sandbox
  }

  /** Not stored, or taken back, before its gate was told. */
  dropped(key: string): void {
    if (this.#claims.get(key)?.answeredIn === undefined) this.#claims.delete(key)
  }

  /** Taken back from a gate that waits: nothing that it stands before has started. */
  revoked(key: string): void {
    this.#claims.delete(key)
  }

  /** What a former leader decided on but neither stored nor answered is nobody's. */
  tookOver(store: ReadonlyMap<string, Grant>): void {
    for (const key of this.#claims.keys()) if (!store.has(key)) this.dropped(key)
  }

  /** One that a leader wrote which led no more: it holds slots, though nobody decided on it in its term. */
  adopted(grant: Grant, pod: SimPod, nowMs: number): void {
    if (!this.#claims.has(grant.key))
      this.#claims.set(grant.key, {
        grant,
        pod,
        decidedAtMs: nowMs,
        answeredIn: pod.failedOpenGates.has(grant.gate) ? pod.sandbox : undefined,
        isExempt: false,
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
    const claim = this.#claims.get(key)
    if (claim?.answeredIn !== pod.sandbox || claim.isExempt || pod.isOver) return
    const { heardAtMs = Number.POSITIVE_INFINITY } = pod.truth.get(container) ?? {}
    if (Math.min(nowMs - heardAtMs, connectedMs) > MAX_REPORT_LAG_MS)
      this.violations.push(`LostNotify: ${container} of ${pod.uid} was ready for long`)
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
  asked({ podUid, resource }: Pick<Ticket, 'podUid' | 'resource'>, nowMs: number): void {
    if (resource === 'start' && !this.#askedAtMs.has(podUid)) this.#askedAtMs.set(podUid, nowMs)
  }

  /** No start slot before what the pod comes after is ready, or the pod has waited as long as it may. */
  #checkAfter({ resource, gate, key, attempt, podUid }: Grant, pod: SimPod, nowMs: number): void {
    const isLater = (pod.sequence?.stages.findIndex(s => s.gate === gate) ?? 0) > 0
    const waitedMs = nowMs - (this.#askedAtMs.get(podUid) ?? nowMs)
    if (resource !== 'start' || isLater || waitedMs >= DEFAULT_AFTER_MAX_WAIT_MS) return
    const text = pod.base.metadata.annotations?.[AFTER] ?? ''
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
    const images = [...(pod.base.spec.initContainers ?? []), ...pod.base.spec.containers].flatMap(c =>
      c.image && !c.image.includes('startgate') && effectivePullPolicy(c) !== 'Never' ? [c.image] : [],
    )
    const present = new Set([...pod.world.imagesOn(pod.base.spec.nodeName ?? ''), ...this.#pullingOn(pod)])
    const isServed =
      pod.passedGates.has(gate) || this.#claims.get(`start.${pod.uid}.${attempt}`)?.answeredIn === pod.sandbox
    if (isServed && resource === 'start') return
    if (resource === 'start' || images.some(image => !present.has(image)))
      this.violations.push(`FreePass: ${key} of ${namespace} passed without a slot`)
  }

  /** What other pods that hold a pull slot pull to the same node. */
  #pullingOn(pod: SimPod): string[] {
    const others = [...this.#claims.values()].filter(c => c.pod !== pod && c.grant.nodeName === pod.base.spec.nodeName)
    return others.flatMap(({ grant }) => grant.images)
  }

  #checkLimits(grant: Grant, nowMs: number): void {
    for (const { scope, limit, covers } of this.#limitsOf(grant)) {
      let held = 0
      const holders: string[] = []
      for (const [key, claim] of this.#claims) {
        if (key === grant.key || claim.grant.resource !== grant.resource || !covers(claim.grant)) continue
        const slots = this.#slots(key, nowMs)
        held += slots
        if (slots > 0) holders.push(key)
      }
      const fits = held + grant.slots <= limit || (limit > 0 && grant.slots > limit && held === 0)
      if (!fits)
        this.violations.push(
          `OverLimit: ${grant.key} in ${scope}: ${held} held + ${grant.slots} > ${limit} (held by ${holders.join(', ')})`,
        )
    }
  }

  #limitsOf({ resource, namespace, nodeName }: Grant) {
    const { settings, namespaces, nodes } = this.#limits
    const node = nodes.get(nodeName)
    const cores = node?.cores ?? 1
    const ours = namespaces.get(namespace) ?? {}
    const isStart = resource === 'start'
    const perCore = (factor: number | undefined) =>
      factor === undefined || !isStart ? Number.POSITIVE_INFINITY : factor && Math.max(1, Math.floor(factor * cores))
    const cluster = isStart
      ? (settings.cluster.maxStarting ?? Number.POSITIVE_INFINITY)
      : (settings.cluster.maxPulling ?? 20)
    const byDefault = isStart ? (settings.node.maxStarting ?? Math.max(2, cores)) : (settings.node.maxPulling ?? 1)
    const onNode = isStart && node?.annotation !== undefined ? node.annotation : byDefault
    const inNamespace = (isStart ? ours.maxStarting : ours.maxPulling) ?? Number.POSITIVE_INFINITY
    const share = Math.max(1, Math.floor(cluster * settings.namespaceShare))
    const both = (isStart ? ours.maxStartingPerNode : ours.maxPullingPerNode) ?? Number.POSITIVE_INFINITY
    const isHere = (g: Grant) => g.nodeName === nodeName
    const isOurs = (g: Grant) => g.namespace === namespace
    return [
      { scope: 'cluster', limit: cluster, covers: () => true },
      { scope: `node ${nodeName}`, limit: onNode, covers: isHere },
      { scope: `namespace ${namespace}`, limit: Math.min(inNamespace, share), covers: isOurs },
      {
        scope: `namespace ${namespace} on node ${nodeName}`,
        limit: Math.min(both, perCore(ours.maxStartingPerCore)),
        covers: (g: Grant) => isHere(g) && isOurs(g),
      },
    ]
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
    if (grant.resource === 'pull') return !pod.isPulled && nowMs < unseenUntilMs ? 1 : 0
    const truths = grant.containers.flatMap(name => pod.truth.get(name) ?? [])
    const starting = truths.filter(({ isPast, isUnsure, runningSinceMs }) => {
      // A start that the leader may have seen only after the timeout is a late start: debt, not a slot.
      const isSeen = runningSinceMs !== undefined && runningSinceMs + MAX_STATUS_LAG_MS < unseenUntilMs
      // Where READY=1 may have been lost, the agent takes it for ready after the container's own start timeout.
      const timeoutMs = isUnsure ? Math.min(grant.timeoutMs, pod.world.startTimeoutMs) : grant.timeoutMs
      return !isPast && nowMs < (isSeen ? runningSinceMs + timeoutMs : unseenUntilMs)
    })
    return starting.length
  }
}

export function heldAnywhere(rows: { scope: string; resource: Resource; held: number }[]): string[] {
  return rows.filter(row => row.held !== 0).map(row => `${row.resource} ${row.scope}: ${row.held}`)
}
