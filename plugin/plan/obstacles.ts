import type { Scope } from '../../gate/lease-service/limits/scope.ts'
import type { Standing } from '../../gate/lease-service/queue/line-up.ts'
import type { Bottleneck, PlanLimit } from './model.ts'

/** Adds up which limit held back how many pods for how long. */
export class Obstacles {
  readonly #limits = new Map<string, Bottleneck>()
  /** Few scopes hold back many tickets many times. */
  readonly #keys = new WeakMap<Scope, string>()
  #now: { key: string; sinceMs: number } | undefined
  #waitingMs = 0

  /** From now on these wait; `behind` tells how many more wait with one of them. */
  waitsFrom(nowMs: number, standing: readonly Standing[], behind: (one: Standing) => number): void {
    this.#end(nowMs)
    const counts = new Map<string, number>()
    for (const one of standing) {
      const { scope } = one.obstacle
      const key = this.#keyOf(scope)
      counts.set(key, (counts.get(key) ?? 0) + 1 + behind(one))
      if (!this.#limits.has(key)) this.#limits.set(key, { ...limitOf(scope), ms: 0 })
    }
    let main: string | undefined
    for (const [key, count] of counts) if (main === undefined || count > (counts.get(main) ?? 0)) main = key
    this.#now = main === undefined ? undefined : { key: main, sinceMs: nowMs }
  }

  result(): { bottlenecks: Bottleneck[]; waitingMs: number } {
    const bottlenecks = [...this.#limits.values()]
      .filter(({ ms, limit }) => ms > 0 || limit === 0)
      .sort((a, b) => b.ms - a.ms || (a.source < b.source ? -1 : 1))
    return { bottlenecks, waitingMs: this.#waitingMs }
  }

  #keyOf(scope: Scope): string {
    const known = this.#keys.get(scope)
    if (known !== undefined) return known
    const key = limitKey(scope)
    this.#keys.set(scope, key)
    return key
  }

  #end(nowMs: number): void {
    const limit = this.#now && this.#limits.get(this.#now.key)
    if (!limit || !this.#now) return
    limit.ms += nowMs - this.#now.sinceMs
    this.#waitingMs += nowMs - this.#now.sinceMs
  }
}

/** Nodes whose limits are written in the same place count as one. */
export function limitKey({ at, source }: Pick<Scope, 'at' | 'source'>): string {
  return `${at.kind} ${source}`
}

function limitOf({ at, limit, windowMs, subject, source }: Scope): PlanLimit {
  const named = at.kind === 'node' && !source.endsWith(`on node ${at.node}`) ? 'each node' : subject
  return {
    kind: at.kind,
    subject: at.kind === 'namespace-on-node' ? `namespace ${at.namespace} on each node` : named,
    limit,
    ...(windowMs !== undefined && { windowMs }),
    source,
  }
}
