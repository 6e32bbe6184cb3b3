import type { AutoLimits } from '../lease-service/auto/auto-limit.ts'
import type { Situations } from './situations.ts'
import type { LimitTruth } from './truth.ts'

/** Of the Leases that keep what was found. */
const LEARNED_PREFIX = 'startgate-auto-'

export const isLearned = (leaseName: string): boolean => leaseName.startsWith(LEARNED_PREFIX)

/**
 * Test support. What `auto` comes to is the leader's own number: what is checked is that it stays within its bounds,
 * that nobody starts beyond it, and that what was found is not lost.
 */
export class AutoCheck {
  readonly #limits: LimitTruth
  readonly #violations: string[]
  readonly #learned = new Set<string>()
  #autos: AutoLimits | undefined
  /** As the leader of now had them last. */
  readonly #before = new Map<string, number>()

  constructor(limits: LimitTruth, violations: string[]) {
    this.#limits = limits
    this.#violations = violations
  }

  tookOver(autos: AutoLimits | undefined): void {
    this.#autos = autos
    this.#before.clear()
  }

  /** Without figures it is what a node has for which nobody wrote a limit. */
  on(nodeName: string): number {
    const cores = this.#limits.nodes.get(nodeName)?.cores ?? 1
    const most = this.#limits.settings.node.maxStartingAutoMax ?? Math.max(32, 4 * cores)
    return Math.min(most, this.#autos?.at(nodeName)?.limit ?? Math.max(2, cores))
  }

  /** Just before and just after the leader is told of a node; what it decides at its tick is seen at the next. */
  told(nodeName: string, when: 'before' | 'after', situations: Situations): void {
    const limit = this.#autos?.at(nodeName)?.limit
    if (limit === undefined) return
    const before = this.#before.get(nodeName)
    if (before === undefined && when === 'before') situations.note('a leader began with what one before it had learned')
    const from = before ?? limit
    situations.note('auto raised a limit', limit > from ? 1 : 0)
    situations.note('auto cut a limit', limit < from ? 1 : 0)
    this.#before.set(nodeName, limit)
    const cores = this.#limits.nodes.get(nodeName)?.cores ?? 1
    const most = Math.max(32, 4 * cores)
    if (!Number.isInteger(limit) || limit < 1 || limit > most)
      this.#violations.push(`AutoBounds: ${limit} on ${nodeName} is not from 1 to ${most}`)
  }

  /** Nothing but us deletes these Leases, and we do not. */
  stored(names: Iterable<string>): void {
    const now = new Set([...names].filter(isLearned))
    for (const name of this.#learned) if (!now.has(name)) this.#violations.push(`LearnedLost: ${name} is gone`)
    for (const name of now) this.#learned.add(name)
  }
}
