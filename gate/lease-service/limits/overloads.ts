import type { PressureResource } from '../../../core/pressure.ts'

/** A resource of a node that is under more pressure than allowed. */
export interface Overload {
  resource: PressureResource
  percent: number
  maxPercent: number
}

/** After each change limits are looked up anew, and all gates of the node are told: less than this is none. */
const NEWS_PERCENT = 5

/** Nodes that are under more pressure than allowed, by name. */
export class Overloads {
  readonly #byNode = new Map<string, Overload>()
  #version = 0

  /** Another number whenever something of it is another; it only grows. */
  get version(): number {
    return this.#version
  }

  get size(): number {
    return this.#byNode.size
  }

  has(nodeName: string): boolean {
    return this.#byNode.has(nodeName)
  }

  get(nodeName: string): Overload | undefined {
    return this.#byNode.get(nodeName)
  }

  /** Undefined: it is under no such pressure. */
  set(nodeName: string, overload: Overload | undefined): void {
    if (!isNews(this.#byNode.get(nodeName), overload)) return
    if (overload) this.#byNode.set(nodeName, overload)
    else this.#byNode.delete(nodeName)
    this.#version += 1
  }
}

function isNews(before: Overload | undefined, now: Overload | undefined): boolean {
  if (!before || !now) return before !== now
  if (before.resource !== now.resource || before.maxPercent !== now.maxPercent) return true
  return Math.abs(before.percent - now.percent) >= NEWS_PERCENT
}
