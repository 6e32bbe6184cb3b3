import { isRamped } from '../limits/pull-ramp.ts'
import type { LimitFacts } from '../limits/scope.ts'
import { sourceRefsOf } from '../limits/scope-ref.ts'
import type { Ticket } from '../model/grant.ts'

/**
 * Slots that go to pulls without a ramp while one decision is made, which nobody holds yet. Such a pull does not wait
 * for an image's ramp and has no limit in common with those that do, and yet it counts there.
 */
export class UnrampedPulls {
  readonly #facts: LimitFacts
  /** By scope of an image that somebody waits for under a ramp. */
  readonly #slots = new Map<string, number>()

  constructor(facts: LimitFacts) {
    this.#facts = facts
  }

  get isEmpty(): boolean {
    return this.#slots.size === 0
  }

  in(scopeId: string): number {
    return this.#slots.get(scopeId) ?? 0
  }

  /** Another decision begins. */
  clear(): void {
    this.#slots.clear()
  }

  taken({ namespace, images, slots }: Ticket): void {
    if (images.length === 0 || isRamped(namespace, this.#facts)) return
    for (const { at, id } of sourceRefsOf({ images }))
      if (at.kind === 'image' && this.#facts.images?.isWanted(at.image)) this.#slots.set(id, this.in(id) + slots)
  }
}
