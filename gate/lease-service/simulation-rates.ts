import type { Rate } from '../../core/quantity.ts'
import type { Grant } from './model.ts'
import type { LimitTruth } from './simulation-checker.ts'

interface Start {
  atMs: number
  namespace: string
  slots: number
}

/** The floor may be late by what a loaded leader rests. */
const MAX_REST_MS = 1_000

/**
 * Test support. What rates promise, counted by none of the ledger's code: no ceiling is exceeded in any of its windows, a
 * pass beyond full limits has its reason, and with a floor somebody begins in time.
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
      if (!rate) return
      const { limit, windowMs } = windowOf(rate)
      const used = starts.reduce((sum, start) => {
        const windows = Math.floor((nowMs - start.atMs) / windowMs)
        // What was larger than the limit counts for several windows, as far as this leader can know of it.
        return sum + (windows > 0 && start.atMs < this.#tookOverAtMs ? 0 : Math.max(0, start.slots - limit * windows))
      }, 0)
      if (used + slots > limit && !(slots > limit && used === 0))
        this.#violations.push(`OverRate: ${key} in ${where}: ${used} begun + ${slots} > ${limit} in ${windowMs} ms`)
    }
    check(settings.cluster.maxStartRate, 'the cluster', this.#starts)
    const sinceMs = this.#changedAtMs.get(namespace) ?? 0
    const ours = this.#starts.filter(start => start.namespace === namespace && start.atMs >= sinceMs)
    check(namespaces.get(namespace)?.maxStartRate, `namespace ${namespace}`, ours)
    this.#starts.push({ atMs: nowMs, namespace, slots })
    this.#waitsSinceMs.delete('cluster')
    this.#waitsSinceMs.delete(namespace)
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

/** The shortest window of at least a second in which the rate is a whole number. */
function windowOf({ count, periodMs }: Rate): { limit: number; windowMs: number } {
  for (let limit = 1; limit < count; limit++) {
    const windowMs = (limit * periodMs) / count
    if (count % limit === 0 && windowMs >= 1_000) return { limit, windowMs }
  }
  return { limit: count, windowMs: periodMs }
}
