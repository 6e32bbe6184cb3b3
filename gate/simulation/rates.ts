import type { Rate } from '../../core/quantity.ts'
import type { Grant } from '../lease-service/model/grant.ts'
import type { LimitTruth } from './truth.ts'

interface Start {
  atMs: number
  namespace: string
  slots: number
}

/** The floor may be late by what a loaded leader rests. */
const MAX_REST_MS = 1_000

/**
 * Test support. What rates promise, counted by none of the ledger's code: no ceiling is exceeded in any of its windows,
 * a pass beyond full limits has its reason, and with a floor somebody begins in time.
 */
export class RateCheck {
  readonly #limits: LimitTruth
  readonly #violations: string[]
  #starts: Start[] = []
  /** Since when the rate of a namespace is what it is. */
  readonly #changedAtMs = new Map<string, number>()
  /** By `cluster` or namespace: since when somebody waits and nobody began. */
  readonly #waitsSinceMs = new Map<string, number>()
  #tookOverAtMs = 0

  constructor(limits: LimitTruth, violations: string[]) {
    this.#limits = limits
    this.#violations = violations
  }

  limitsChanged(namespace: string, nowMs: number): void {
    this.#changedAtMs.set(namespace, nowMs)
    this.#waitsSinceMs.delete(namespace)
  }

  /** A new leader starts to count anew, and takes the first window for used up. */
  tookOver(nowMs: number): void {
    this.#tookOverAtMs = nowMs
    this.#waitsSinceMs.clear()
  }

  started({ key, namespace, slots }: Grant, nowMs: number): void {
    const { settings, namespaces } = this.#limits
    const check = (rate: Rate | undefined, where: string, starts: Start[]): void => {
      const wrong = rate && this.#wrongIn(rate, starts, { slots, nowMs })
      if (wrong) this.#violations.push(`OverRate: ${key} in ${where}: ${wrong}`)
    }
    check(settings.cluster.maxStartRate, 'the cluster', this.#starts)
    const sinceMs = this.#changedAtMs.get(namespace) ?? 0
    const ours = this.#starts.filter(start => start.namespace === namespace && start.atMs >= sinceMs)
    check(namespaces.get(namespace)?.maxStartRate, `namespace ${namespace}`, ours)
    this.#starts.push({ atMs: nowMs, namespace, slots })
    this.#waitsSinceMs.delete('cluster')
    this.#waitsSinceMs.delete(namespace)
  }

  /**
   * What one more start makes wrong, if it does: there are batches with a time between them, and never more than the
   * rate in its period.
   */
  #wrongIn(rate: Rate, starts: Start[], { slots, nowMs }: { slots: number; nowMs: number }): string | undefined {
    const { batch, everyMs } = batchesOf(rate)
    const slotsAt = (ms: number) => sum(starts.filter(({ atMs }) => atMs === ms))
    const begun = slotsAt(nowMs)
    if (begun + slots > batch && !(slots > batch && begun === 0)) return `${begun} begun + ${slots} > ${batch} at once`
    const lastMs = starts.findLast(({ atMs }) => atMs < nowMs)?.atMs ?? Number.NEGATIVE_INFINITY
    // What was larger than a batch is worth several, as far as this leader can know of it.
    const batches = lastMs < this.#tookOverAtMs ? 1 : Math.ceil(slotsAt(lastMs) / batch)
    if (nowMs - lastMs < batches * everyMs)
      return `${nowMs - lastMs} ms after ${batches} batches, one each ${everyMs} ms`
    const inPeriod = starts.filter(({ atMs }) => atMs > nowMs - rate.periodMs)
    const isOfBatches = slots <= batch && inPeriod.every(start => start.slots <= batch)
    if (isOfBatches && sum(inPeriod) + slots > rate.count) return `more than ${rate.count} in ${rate.periodMs} ms`
    return undefined
  }

  /** Before the passes of a step are counted as starts. */
  passed({ key, namespace }: Grant, askedAtMs: number, nowMs: number): void {
    const { settings, namespaces } = this.#limits
    const ours = namespaces.get(namespace)
    const isDue = (rate: Rate | undefined, starts: Start[]): boolean =>
      rate !== undefined && nowMs - (starts.at(-1)?.atMs ?? 0) >= rate.periodMs / rate.count
    const byFloor =
      isDue(settings.cluster.minStartRate, this.#starts) ||
      isDue(
        ours?.minStartRate,
        this.#starts.filter(start => start.namespace === namespace),
      )
    const byWait = ours?.maxWaitMs !== undefined && nowMs - askedAtMs >= ours.maxWaitMs
    if (!byFloor && !byWait) this.#violations.push(`PassTooEarly: ${key}`)
  }

  /** Who was left in line after a step, by namespace. */
  waits(waiting: ReadonlySet<string>, nowMs: number): void {
    const { settings, namespaces } = this.#limits
    const scopes = waiting.size > 0 ? new Set(['cluster', ...waiting]) : waiting
    for (const scope of this.#waitsSinceMs.keys()) if (!scopes.has(scope)) this.#waitsSinceMs.delete(scope)
    for (const scope of scopes) {
      const sinceMs = this.#waitsSinceMs.get(scope) ?? nowMs
      this.#waitsSinceMs.set(scope, sinceMs)
      const floor = scope === 'cluster' ? settings.cluster.minStartRate : namespaces.get(scope)?.minStartRate
      if (!floor || this.#hasCeiling(scope)) continue
      if (nowMs - sinceMs > floor.periodMs / floor.count + MAX_REST_MS)
        this.#violations.push(`FloorIgnored: nobody began in ${scope} for ${nowMs - sinceMs} ms`)
    }
  }

  /** A ceiling beats the floor. */
  #hasCeiling(scope: string): boolean {
    const { settings, namespaces } = this.#limits
    const ours = scope === 'cluster' ? [...namespaces.values()] : [namespaces.get(scope)]
    return settings.cluster.maxStartRate !== undefined || ours.some(given => given?.maxStartRate !== undefined)
  }
}

function sum(starts: readonly Start[]): number {
  return starts.reduce((slots, start) => slots + start.slots, 0)
}

/** What a second is worth begins at once, if anybody waits; then nothing until the rate has made up for it. */
function batchesOf({ count, periodMs }: Rate): { batch: number; everyMs: number } {
  const batch = periodMs / count >= 1_000 ? 1 : Math.floor((1_000 * count) / periodMs)
  return { batch, everyMs: periodMs / Math.floor(count / batch) }
}
